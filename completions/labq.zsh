#compdef labq
# Written by `labq completion show zsh`: do not edit.

_labq() {
  local curcontext=$curcontext state line
  local -a known=(
    'demo:Run a real sweep in a queue of its own.'
    'run:Run a command here and now, recorded as a task.'
    'import:Bring in runs that were recorded offline.'
    'task:Submit, find, edit, cancel and remove tasks.'
    'wait:Wait until tasks have ended.'
    'worker:Run tasks, see and direct the workers.'
    'queue:See, make, pause and tidy the queues.'
    'events:Show what became of the tasks, and follow it.'
    'config:See the settings.'
    'guide:Read about a topic, such as filters.'
    'completion:TAB completion for your shell.'
  )
  _arguments -C \
    '--version[Show the version and exit.]' \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      demo) _labq_demo ;;
      run) _labq_run ;;
      import) _labq_import ;;
      task) _labq_task ;;
      wait) _labq_wait ;;
      worker) _labq_worker ;;
      queue) _labq_queue ;;
      events) _labq_events ;;
      config) _labq_config ;;
      guide) _labq_guide ;;
      completion) _labq_completion ;;
    esac ;;
  esac
}

_labq_demo() {
  _arguments -S \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]'
}

_labq_run() {
  _arguments -S \
    '--name=[A name, to find it by.]:NAME:_files' \
    '(--project -P)'{--project=,-P+}'[Its project, such as a/b.]:PATH:_files' \
    '--type=[What it does.]:TYPE:_files' \
    '--args=[Arguments as JSON or a Python dict.]:DICT:_files' \
    '--metadata=[Notes of yours, as JSON or a Python dict.]:DICT:_files' \
    '*--tag=[A tag; again for more.]:TAG:_files' \
    '--comment=[A word about it.]:TEXT:_files' \
    '--timeout=[Longest run of one attempt\: 90, 10m, 1h30m.]:DURATION:_files' \
    '--cwd=[Where to run it; - is the worker'\''s folder.]:DIR:_files' \
    '*'{--env=,-e+}'[A variable for it; again for more.]:KEY=VALUE:_files' \
    '--grace=[Between SIGTERM and SIGKILL; 0 kills it at once.]:DURATION:_files' \
    '--no-source[Do not record which code it is of (labq guide source).]' \
    '--offline[Keep the record in a folder (LABQ_OFFLINE=1); see import.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_import() {
  _arguments -S \
    '--into=[Add it to this task, as its newest attempt.]:REF:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task() {
  local curcontext=$curcontext state line
  local -a known=(
    'submit:Store a task: an argument set to run.'
    'start:Run a draft, or an entry of labq.yaml.'
    'ls:List tasks.'
    'show:Show all of a task.'
    'source:Show which code a task is of.'
    'count:Count tasks.'
    'update:Edit tasks, by value or in your editor.'
    'diff:Show where two tasks differ.'
    'compare:Show tasks side by side.'
    'clone:Copy a task into a new draft.'
    'tag:Add tags to tasks, take them away.'
    'enqueue:Set drafts going.'
    'dequeue:Make drafts of pending tasks.'
    'cancel:End tasks, running ones too.'
    'requeue:Run ended tasks again.'
    'reset:Make drafts of ended tasks, their output deleted.'
    'publish:Seal tasks, for good.'
    'delete:Remove tasks.'
    'group:Look at arrays and other groups, end them, run them again.'
    'report:Report results, such as acc=0.93, from a job.'
    'progress:Say how much of a task is done.'
  )
  _arguments -C \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      submit) _labq_task_submit ;;
      start) _labq_task_start ;;
      ls) _labq_task_ls ;;
      show) _labq_task_show ;;
      source) _labq_task_source ;;
      count) _labq_task_count ;;
      update) _labq_task_update ;;
      diff) _labq_task_diff ;;
      compare) _labq_task_compare ;;
      clone) _labq_task_clone ;;
      tag) _labq_task_tag ;;
      enqueue) _labq_task_enqueue ;;
      dequeue) _labq_task_dequeue ;;
      cancel) _labq_task_cancel ;;
      requeue) _labq_task_requeue ;;
      reset) _labq_task_reset ;;
      publish) _labq_task_publish ;;
      delete) _labq_task_delete ;;
      group) _labq_task_group ;;
      report) _labq_task_report ;;
      progress) _labq_task_progress ;;
    esac ;;
  esac
}

_labq_task_submit() {
  _arguments -S \
    '--args=[Arguments as JSON or a Python dict.]:DICT:_files' \
    '--file=[A task for each line, a dict of args laid over those given here; - reads stdin.]:FILE:_files' \
    '--key=[Add nothing if this key was submitted before.]:TEXT:_files' \
    '--name=[A name, to find it by.]:NAME:_files' \
    '--short=[A name that no other task of the queue has\: 1 to 63 of a-z, 0-9 and -.]:NAME:_files' \
    '--type=[What it does.]:TYPE:_files' \
    '(--project -P)'{--project=,-P+}'[Its project, such as a/b.]:PATH:_files' \
    '--comment=[A word about it.]:TEXT:_files' \
    '--metadata=[Notes of yours, as JSON or a Python dict.]:DICT:_files' \
    '*--tag=[A tag; again for more.]:TAG:_files' \
    '--from=[Its parent, whose reported values are variables for its job\: $model_path.]:REF:_files' \
    '--priority=[Higher runs first.]:INT:_files' \
    '*--after=[Wait until this task has succeeded; cancelled if it does not. Again for more.]:REF:_files' \
    '*--after-any=[Wait until this task has ended, however it did.]:REF:_files' \
    '--at=[Wait until then\: 2026-11-21T08\:00, '\''tomorrow 9\:00'\''.]:TIME:_files' \
    '--delay=[Wait for so long.]:DURATION:_files' \
    '--max-retries=[How often a failure is tried again.]:INT:_files' \
    '--retry-delay=[Wait before the first retry, doubled for each after it; 0 is none.]:DURATION:_files' \
    '--timeout=[Longest run of one attempt\: 90, 10m, 1h30m.]:DURATION:_files' \
    '--ttl=[Remove the task so long after it has ended.]:DURATION:_files' \
    '--auto-delete[Let it go, once it has ended, where its queue is full.]' \
    '--array=[A task for each index\: 10 is 0-9, or 1,3-8,12. $LABQ_INDEX tells a job its own.]:COUNT|LIST:_files' \
    '--group=[The group it belongs to, to look at as one.]:NAME:_files' \
    '--draft[Keep it as a draft\: labq task enqueue sets it going.]' \
    '--publish-on-success[Seal it once it succeeds.]' \
    '--wait[Come back when it has ended, as labq wait does, with its code.]' \
    '--cmd=[The command in one text, in front of the WORDS.]:COMMAND:_files' \
    '--raw-args=[Shell text behind the command, as it is\: --lr $(cat lr) | tee log. A shell runs it.]:TEXT:_files' \
    '--cwd=[Where to run it; - is the worker'\''s folder.]:DIR:_files' \
    '*'{--env=,-e+}'[A variable for it; again for more.]:KEY=VALUE:_files' \
    '*'{--resource=,--resources=}'[What it needs\: cpus=2,memory=4Gi,gpus=1; again for more.]:KEY=AMOUNT:_files' \
    '*--require=[A label that its worker must have\: '\''vram>=40Gi'\''; again for more.]:LABEL:_files' \
    '--profile=[What profiles\: in labq.yaml says of NAME, where nothing else is said here.]:NAME:_files' \
    '--no-source[Do not record which code it is of (labq guide source).]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_start() {
  _arguments -S \
    '*'{--update=,-u+}'[What is other in this run, such as args.lr=0.3; again for more.]:FIELD=VALUE:_files' \
    '--latest[Of several tasks of that name, the newest; no entry.]' \
    '--comment=[A word about it.]:TEXT:_files' \
    '--from=[Its parent, whose reported values are variables for its job\: $model_path.]:REF:_files' \
    '--wait[Come back when it has ended, as labq wait does, with its code.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_ls() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--id=,--task-id=}'[Only this task\: number, id or its start, name; - reads stdin.]:REF:_files' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--limit=[At most N; 0 is all.]:N:_files' \
    '*--sort=[Order by this, as MongoDB does\: those without it come first.]:FIELD\:asc|desc:_files' \
    '*--cols=[Show these, such as args.lr,summary.acc; again for more.]:FIELD,...:_files' \
    '--no-pager[Print it all at once.]' \
    '--verbose[Show the MongoDB query, on stderr.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Print ids alone, one a line.]' \
    '--help[Show this message and exit.]'
}

_labq_task_show() {
  _arguments -S \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_source() {
  _arguments -S \
    '--diff[Print what was not committed.]' \
    '--packages[Print the packages, a line each.]' \
    '--bundle=[Write the commits that were not pushed (git bundle).]:FILE:_files' \
    '--untracked=[Write the untracked files (tar).]:FILE:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_count() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--id=,--task-id=}'[Only this task\: number, id or its start, name; - reads stdin.]:REF:_files' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--verbose[Show the MongoDB query, on stderr.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]'
}

_labq_task_update() {
  _arguments -S \
    '*'{--update=,-u+}'[An edit, such as args.lr=0.3; again for more.]:FIELD=VALUE:_files' \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--id=,--task-id=}'[Only this task\: number, id or its start, name; - reads stdin.]:REF:_files' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_diff() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_compare() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_clone() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '*'{--update=,-u+}'[What is other in it, such as args.lr=0.3; again for more.]:FIELD=VALUE:_files' \
    '--name=[The copy'\''s name; it has none without. It chooses no tasks.]:NAME:_files' \
    '--enqueue[Run it\: no draft.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_tag() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '*--add=[The same as +TAG; again for more.]:TAG:_files' \
    '*--remove=[The same as -TAG; again for more.]:TAG:_files' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_enqueue() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_dequeue() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_cancel() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '--grace=[From SIGTERM to SIGKILL, for those that run.]:DURATION:_files' \
    '--kill[SIGKILL at once\: --grace 0.]' \
    '--reason=[Why, for those who ask later.]:TEXT:_files' \
    '--wait[Come back when those that run have ended.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_requeue() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_reset() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_publish() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '--force[Failed tasks, too.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_delete() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '--force[Running and published tasks, too.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_group() {
  local curcontext=$curcontext state line
  local -a known=(
    'ls:List the groups of a queue.'
    'show:Show how a group stands.'
    'cancel:End the tasks of a group.'
    'requeue:Run ended tasks of a group again.'
  )
  _arguments -C \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      ls) _labq_task_group_ls ;;
      show) _labq_task_group_show ;;
      cancel) _labq_task_group_cancel ;;
      requeue) _labq_task_group_requeue ;;
    esac ;;
  esac
}

_labq_task_group_ls() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Print their names alone, one a line.]' \
    '--help[Show this message and exit.]'
}

_labq_task_group_show() {
  _arguments -S \
    '--completed[List what has ended, with what came of it.]' \
    '--limit=[With --completed\: at most N; 0 is all.]:N:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_group_cancel() {
  _arguments -S \
    '--grace=[From SIGTERM to SIGKILL, for those that run.]:DURATION:_files' \
    '--kill[SIGKILL at once\: --grace 0.]' \
    '--reason=[Why, for those who ask later.]:TEXT:_files' \
    '--wait[Come back when those that run have ended.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_group_requeue() {
  _arguments -S \
    '--failed[Only those that failed, not all that have ended.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_report() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_task_progress() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_wait() {
  _arguments -S \
    '*'{--status=,-s+}'[Only tasks of this status; again for more.]:STATUS:(draft waiting pending running success failed cancelled)' \
    '*'{--name=,--task-name=}'[Only tasks of this name.]:NAME:_files' \
    '*'{--project=,-P+}'[Only tasks of this project and of those below it.]:PATH:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--latest[Of several tasks of a name that is a REF, the newest.]' \
    '--timeout=[Wait no longer\: 90, 10m, 1h30m.]:DURATION:_files' \
    '(--output-dir -o)'{--output-dir=,-o+}'[Copy there what the task left on this machine; of several to DIR/NUMBER.]:DIR:_files' \
    '--overwrite[Write over files in DIR.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_worker() {
  local curcontext=$curcontext state line
  local -a known=(
    'run:Claim tasks and run them, until there are none.'
    'ls:List the workers.'
    'show:Show all of a worker.'
    'stop:End workers and give their tasks back.'
    'drain:Let workers finish what they run, and end.'
    'pause:Keep workers from taking tasks.'
    'resume:Let paused workers take tasks again.'
  )
  _arguments -C \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      run) _labq_worker_run ;;
      ls) _labq_worker_ls ;;
      show) _labq_worker_show ;;
      stop) _labq_worker_stop ;;
      drain) _labq_worker_drain ;;
      pause) _labq_worker_pause ;;
      resume) _labq_worker_resume ;;
    esac ;;
  esac
}

_labq_worker_run() {
  _arguments -S \
    '-c+[A shell command instead of COMMAND.]:TEXT:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--allow-extra[Take tasks that have more args than placeholders, too.]' \
    '--override-cmd[Take tasks that have a command of their own, too, and run COMMAND.]' \
    '--forever[Wait for more when the queue is drained.]' \
    '--idle-timeout=[Wait for more, but end after so long without work.]:DURATION:_files' \
    '--time-limit=[End by then\: take no task whose timeout is longer than what is left.]:DURATION:_files' \
    '--max-tasks=[Run at most N tasks.]:N:_files' \
    '--max-failures=[Claim no more after N failed attempts.]:N:_files' \
    '--max-consecutive-failures=[The same, after N tasks in a row that failed; 0 is no limit.]:N:_files' \
    '--max-start-failures=[The same, after N in a row that could not start.]:N:_files' \
    '--slots=[Run N tasks at a time.]:N:_files' \
    '--gpus=[GPUs for tasks\: all, the first N, or these\: 0,2 or 0-3; a slot for each share.]:all|N|IDS:_files' \
    '--gpu-ids=[The same by ids only\: 2 is the third, not two.]:IDS:_files' \
    '--gpus-per-task=[GPUs of a task that does not say.]:N:_files' \
    '--cpus=[CPUs for tasks.]:N:_files' \
    '--memory=[Memory for tasks\: 16Gi.]:AMOUNT:_files' \
    '*--label=[What a task may --require; again for more.]:KEY=VALUE:_files' \
    '--grace=[From SIGTERM to SIGKILL, when a job is stopped; 0 kills it at once.]:DURATION:_files' \
    '--lease=[How long a task stays this worker'\''s when nobody hears of it (LABQ_LEASE).]:DURATION:_files' \
    '--heartbeat=[How often it is heard of (LABQ_HEARTBEAT).]:DURATION:_files' \
    '--on-lost=[What becomes of its tasks where the worker is lost.]:retry|cancel:_files' \
    '--on-finish=[Run this, no shell, for each task that ends\: notify.sh {task.number} {task.status}.]:COMMAND:_files' \
    '--checkout[Run each task in the tree that it came from (labq guide source).]' \
    '--venv[Run each task with the packages that it was submitted with.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*::command:_normal'
}

_labq_worker_ls() {
  _arguments -S \
    '(--all-queues -a)'{--all-queues,-a}'[Those of every queue.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Print ids alone, one a line.]' \
    '--help[Show this message and exit.]'
}

_labq_worker_show() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_worker_stop() {
  _arguments -S \
    '--all[All workers of the queue.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_worker_drain() {
  _arguments -S \
    '--all[All workers of the queue.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_worker_pause() {
  _arguments -S \
    '--all[All workers of the queue.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_worker_resume() {
  _arguments -S \
    '--all[All workers of the queue.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue() {
  local curcontext=$curcontext state line
  local -a known=(
    'ls:List the queues and what is in them.'
    'show:Show all of a queue.'
    'create:Make a queue, with a limit or not.'
    'update:Change what is said of a queue.'
    'rename:Give a queue another name.'
    'delete:Remove a queue with its tasks.'
    'pause:Keep workers from taking a queue'\''s tasks.'
    'resume:Let a paused queue go on.'
    'sweep:Put right what nobody finished.'
  )
  _arguments -C \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      ls) _labq_queue_ls ;;
      show) _labq_queue_show ;;
      create) _labq_queue_create ;;
      update) _labq_queue_update ;;
      rename) _labq_queue_rename ;;
      delete) _labq_queue_delete ;;
      pause) _labq_queue_pause ;;
      resume) _labq_queue_resume ;;
      sweep) _labq_queue_sweep ;;
    esac ;;
  esac
}

_labq_queue_ls() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]'
}

_labq_queue_show() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_create() {
  _arguments -S \
    '--max-tasks=[The most tasks that it keeps; those with --auto-delete make room.]:N:_files' \
    '--description=[What it is for; '\'''\'' removes it.]:TEXT:_files' \
    '--default-timeout=[--timeout of tasks that have none.]:DURATION:_files' \
    '--default-ttl=[--ttl of tasks that say neither.]:DURATION:_files' \
    '--default-auto-delete[--auto-delete of tasks that say neither.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_update() {
  _arguments -S \
    '--max-tasks=[The most tasks that it keeps; those with --auto-delete make room.]:N:_files' \
    '--description=[What it is for; '\'''\'' removes it.]:TEXT:_files' \
    '--default-timeout=[--timeout of tasks that have none.]:DURATION:_files' \
    '--default-ttl=[--ttl of tasks that say neither.]:DURATION:_files' \
    '--default-auto-delete[--auto-delete of tasks that say neither.]' \
    '--on-finish=[What its workers run, no shell, for each task that ends; none removes it.]:COMMAND:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_rename() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_delete() {
  _arguments -S \
    '--force[Even what runs, or is published.]' \
    '(--yes -y)'{--yes,-y}'[Do not ask.]' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_pause() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_resume() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]' \
    '*:file:_files'
}

_labq_queue_sweep() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '(--quiet -q)'{--quiet,-q}'[Say nothing that is not asked for, and ask nothing.]' \
    '--help[Show this message and exit.]'
}

_labq_events() {
  _arguments -S \
    '--follow[Go on with what happens, until Ctrl-C.]' \
    '--since=[Only what came after the event of this token (--json).]:TOKEN:_files' \
    '*'{--extra-filter=,-f+}'[Only tasks for which this holds, such as '\''args.lr > 0.1'\'' (labq guide filters).]:FILTER:_files' \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]'
}

_labq_config() {
  local curcontext=$curcontext state line
  local -a known=(
    'show:Show the settings and where each comes from.'
  )
  _arguments -C \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      show) _labq_config_show ;;
    esac ;;
  esac
}

_labq_config_show() {
  _arguments -S \
    '--queue=[The queue (LABQ_QUEUE).]:NAME:_files' \
    '--uri=[The store\: sqlite\:PATH or mongodb\://... (LABQ_URI).]:URI:_files' \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]'
}

_labq_guide() {
  _arguments -S \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '1:choice:(client commands events filters job lifecycle loop source stores tasks workers)'
}

_labq_completion() {
  local curcontext=$curcontext state line
  local -a known=(
    'show:Print the completion script.'
    'install:Install the completion script for yourself.'
  )
  _arguments -C \
    '--help[Show this message and exit.]' \
    '1: :->command' \
    '*:: :->rest'
  case $state in
    command) _describe command known ;;
    rest) case $line[1] in
      show) _labq_completion_show ;;
      install) _labq_completion_install ;;
    esac ;;
  esac
}

_labq_completion_show() {
  _arguments -S \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '1:choice:(bash zsh fish)'
}

_labq_completion_install() {
  _arguments -S \
    '--json[Print JSON, for programs.]' \
    '--help[Show this message and exit.]' \
    '1:choice:(bash zsh fish)'
}

if [[ $funcstack[1] == _labq ]]; then
  _labq "$@"
else
  compdef _labq labq
fi
