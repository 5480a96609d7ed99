# Written by `labq completion show bash`: do not edit.

_labq() {
  local cur=${COMP_WORDS[COMP_CWORD]} path='' value='' rest='' word words=''
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $value && $word == '=' ]]; then continue; fi # --option=value comes as three words
    if [[ -n $value ]]; then value=''; continue; fi
    if [[ -n $rest ]]; then return; fi # what files complete, see the end
    case $word in
      --) rest=yes ;;
      --add|--after|--after-any|--args|--array|--at|--bundle|--cmd|--cols|--comment|--cpus|--cwd|--default-timeout|--default-ttl|--delay|--description|--env|--extra-filter|--file|--from|--gpu-ids|--gpus|--gpus-per-task|--grace|--group|--heartbeat|--id|--idle-timeout|--into|--key|--label|--lease|--limit|--max-consecutive-failures|--max-failures|--max-retries|--max-start-failures|--max-tasks|--memory|--metadata|--name|--on-finish|--on-lost|--output-dir|--priority|--profile|--project|--queue|--raw-args|--reason|--remove|--require|--resource|--resources|--retry-delay|--short|--since|--slots|--sort|--status|--tag|--task-id|--task-name|--time-limit|--timeout|--ttl|--type|--untracked|--update|--uri|-P|-c|-e|-f|-o|-s|-u) value=$word ;;
      -*) ;;
      *) case $path in
        ''|'task'|'task group'|'worker'|'queue'|'config'|'completion') path="${path:+$path }$word" ;;
      esac ;;
    esac
  done
  if [[ -n $value && $cur == '=' ]]; then cur=''; fi
  case $value:$rest in
    -s:|--status:) words='draft waiting pending running success failed cancelled' ;;
    :yes) if [[ $path == 'worker run' ]]; then COMPREPLY=($(compgen -c -- "$cur")); fi ;;
    :) case $path:$cur in
      '':-*) words='--version --help' ;;
      '':*) words='demo run import task wait worker queue events config guide completion' ;;
      'demo':*) words='--uri --queue --json --help' ;;
      'run':-*) words='--name --project -P --type --args --metadata --tag --comment --timeout --cwd --env -e --grace --no-source --offline --queue --uri --json --quiet -q --help' ;;
      'import':-*) words='--into --queue --uri --json --quiet -q --help' ;;
      'task':-*) words='--help' ;;
      'task':*) words='submit start ls show source count update diff compare clone tag enqueue dequeue cancel requeue reset publish delete group report progress' ;;
      'task submit':-*) words='--args --file --key --name --short --type --project -P --comment --metadata --tag --from --priority --after --after-any --at --delay --max-retries --retry-delay --timeout --ttl --auto-delete --array --group --draft --publish-on-success --wait --cmd --raw-args --cwd --env -e --resource --resources --require --profile --no-source --queue --uri --json --quiet -q --help' ;;
      'task start':-*) words='--update -u --latest --comment --from --wait --queue --uri --json --quiet -q --help' ;;
      'task ls':*) words='--status -s --id --task-id --name --task-name --project -P --extra-filter -f --limit --sort --cols --no-pager --verbose --queue --uri --json --quiet -q --help' ;;
      'task show':-*) words='--latest --queue --uri --json --help' ;;
      'task source':-*) words='--diff --packages --bundle --untracked --queue --uri --json --quiet -q --help' ;;
      'task count':*) words='--status -s --id --task-id --name --task-name --project -P --extra-filter -f --verbose --queue --uri --json --help' ;;
      'task update':-*) words='--update -u --status -s --id --task-id --name --task-name --project -P --extra-filter -f --queue --uri --json --yes -y --quiet -q --help' ;;
      'task diff':-*) words='--queue --uri --json --help' ;;
      'task compare':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --queue --uri --json --quiet -q --help' ;;
      'task clone':-*) words='--status -s --project -P --extra-filter -f --latest --update -u --name --enqueue --yes -y --queue --uri --json --quiet -q --help' ;;
      'task tag':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --add --remove --yes -y --queue --uri --json --quiet -q --help' ;;
      'task enqueue':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --yes -y --queue --uri --json --quiet -q --help' ;;
      'task dequeue':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --yes -y --queue --uri --json --quiet -q --help' ;;
      'task cancel':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --grace --kill --reason --wait --yes -y --queue --uri --json --quiet -q --help' ;;
      'task requeue':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --yes -y --queue --uri --json --quiet -q --help' ;;
      'task reset':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --yes -y --queue --uri --json --quiet -q --help' ;;
      'task publish':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --force --yes -y --queue --uri --json --quiet -q --help' ;;
      'task delete':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --force --yes -y --queue --uri --json --quiet -q --help' ;;
      'task group':-*) words='--help' ;;
      'task group':*) words='ls show cancel requeue' ;;
      'task group ls':*) words='--queue --uri --json --quiet -q --help' ;;
      'task group show':-*) words='--completed --limit --queue --uri --json --help' ;;
      'task group cancel':-*) words='--grace --kill --reason --wait --yes -y --queue --uri --json --quiet -q --help' ;;
      'task group requeue':-*) words='--failed --yes -y --queue --uri --json --quiet -q --help' ;;
      'task report':-*) words='--queue --uri --json --help' ;;
      'task progress':-*) words='--queue --uri --json --help' ;;
      'wait':-*) words='--status -s --name --task-name --project -P --extra-filter -f --latest --timeout --output-dir -o --overwrite --queue --uri --json --quiet -q --help' ;;
      'worker':-*) words='--help' ;;
      'worker':*) words='run ls show stop drain pause resume' ;;
      'worker run':-*) words='-c --extra-filter -f --allow-extra --override-cmd --forever --idle-timeout --time-limit --max-tasks --max-failures --max-consecutive-failures --max-start-failures --slots --gpus --gpu-ids --gpus-per-task --cpus --memory --label --grace --lease --heartbeat --on-lost --on-finish --checkout --venv --queue --uri --json --quiet -q --help' ;;
      'worker ls':*) words='--all-queues -a --queue --uri --json --quiet -q --help' ;;
      'worker show':-*) words='--queue --uri --json --help' ;;
      'worker stop':-*) words='--all --yes -y --queue --uri --json --quiet -q --help' ;;
      'worker drain':-*) words='--all --yes -y --queue --uri --json --quiet -q --help' ;;
      'worker pause':-*) words='--all --yes -y --queue --uri --json --quiet -q --help' ;;
      'worker resume':-*) words='--all --yes -y --queue --uri --json --quiet -q --help' ;;
      'queue':-*) words='--help' ;;
      'queue':*) words='ls show create update rename delete pause resume sweep' ;;
      'queue ls':*) words='--queue --uri --json --help' ;;
      'queue show':-*) words='--queue --uri --json --help' ;;
      'queue create':-*) words='--max-tasks --description --default-timeout --default-ttl --default-auto-delete --queue --uri --json --quiet -q --help' ;;
      'queue update':-*) words='--max-tasks --description --default-timeout --default-ttl --default-auto-delete --on-finish --queue --uri --json --quiet -q --help' ;;
      'queue rename':-*) words='--queue --uri --json --quiet -q --help' ;;
      'queue delete':-*) words='--force --yes -y --queue --uri --json --quiet -q --help' ;;
      'queue pause':-*) words='--queue --uri --json --quiet -q --help' ;;
      'queue resume':-*) words='--queue --uri --json --quiet -q --help' ;;
      'queue sweep':*) words='--queue --uri --json --quiet -q --help' ;;
      'events':*) words='--follow --since --extra-filter -f --queue --uri --json --help' ;;
      'config':-*) words='--help' ;;
      'config':*) words='show' ;;
      'config show':*) words='--queue --uri --json --help' ;;
      'guide':-*) words='--json --help' ;;
      'guide':*) words='client commands events filters job lifecycle loop source stores tasks workers' ;;
      'completion':-*) words='--help' ;;
      'completion':*) words='show install' ;;
      'completion show':-*) words='--json --help' ;;
      'completion show':*) words='bash zsh fish' ;;
      'completion install':-*) words='--json --help' ;;
      'completion install':*) words='bash zsh fish' ;;
    esac ;;
  esac
  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}

# -o default: files, where the function has nothing to offer.
complete -o default -F _labq labq
