"""The variables of a job, whether it is a process or a body in this one."""

from __future__ import annotations

from collections.abc import Mapping

from labq.queue import Claim
from labq.worker.capacity import Grant
from labq.worker.options import Options


def job_environment(
    claim: Claim, grant: Grant, options: Options, folder: str, around: Mapping[str, str]
) -> dict[str, str]:
    """What a job finds beside the variables `around` it, in the order in which they count.

    The summary of its task's parent, its share of the machine, its task's own `env`, and labq's.
    """
    task = claim.task
    return {
        **claim.inherited,
        **grant.environment(around),
        **task.get("env", {}),
        "LABQ_TASK_ID": task["_id"],
        "LABQ_TASK_NUMBER": str(task["number"]),
        "LABQ_QUEUE": task["queue"],
        "LABQ_ATTEMPT": str(task["attempt"]),
        "LABQ_SLOT": str(claim.worker.slot),
        "LABQ_URI": options.uri,
        "LABQ_HOME": str(options.home),
        "LABQ_TASK_DIR": folder,
        "LABQ_TOKEN": claim.token,
        **claim.place,
    }
