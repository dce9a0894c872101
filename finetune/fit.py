"""Does a planned run fit into memory, and what would make it fit? And the plan for a person."""

import torch
from rich.table import Table

from finetune.plan import Plan
from onbrand.config import Tune
from onbrand.errors import OnbrandError

_GIGABYTE = 1e9


def refuse_what_cannot_fit(plan: Plan, settings: Tune) -> None:
    """Raises OnbrandError where the plan needs more memory than is free; it says what may help."""
    if plan.memory.needed <= plan.free_bytes:
        return
    each = "" if plan.processes == 1 else f" in each of {plan.processes} processes"
    share = "" if plan.processes == 1 else " for each"
    *others, last = _advice(plan, settings)
    advice = f"{', '.join(others)}, or {last}" if others else last
    raise OnbrandError(
        f"Tuning this model takes about {plan.memory.needed / _GIGABYTE:.1f} GB{each} and "
        f"{plan.free_bytes / _GIGABYTE:.1f} GB are free{share} on {plan.device}; {advice}; "
        "`onbrand tune --force` tries it all the same."
    )


def _advice(plan: Plan, settings: Tune) -> list[str]:
    """What would take less memory, of what is not done yet; the cheapest first."""
    found = []
    if plan.memory.fixed <= plan.free_bytes:  # or smaller passes would not be enough
        if settings.micro_batch_size > 1:
            found.append(f"lower [tune] micro_batch_size ({settings.micro_batch_size})")
        if not settings.recompute:
            found.append("set [tune] recompute = true")
        found.append(f"lower [tune] max_tokens ({settings.max_tokens})")
    if settings.method != "qlora":
        found.append('take [tune] method = "qlora"')
    if plan.device == "cpu":
        if plan.processes > 1:  # they share the same memory, sharded or not
            found.append("start fewer --processes")
    elif plan.processes > 1 and not settings.shard:
        found.append("set [tune] shard = true")
    elif torch.cuda.device_count() > plan.processes:
        shard = "" if settings.shard else " with [tune] shard = true"
        found.append(f"start --processes {torch.cuda.device_count()}{shard}")
    return [*found, "name a smaller model in [model] base"]


def table(plan: Plan) -> Table:
    """The plan for a person."""
    shapes, memory = plan.shapes, plan.memory
    what = "memory" if plan.processes == 1 else "memory of each process"
    shown = Table(title="Plan", show_header=False, title_justify="left")
    shown.add_column()
    shown.add_column(justify="right")
    for name, value in {
        "parameters": f"{shapes.parameters:,}",
        "in 4 bits": f"{shapes.quantised:,}",
        "trained": f"{shapes.trainable:,} ({shapes.trainable / shapes.parameters:.2%})",
        "examples": f"{plan.examples:,}",
        "tokens in one epoch": f"{plan.tokens:,}, {plan.answer_tokens:,} of them with loss",
        "steps": f"{plan.steps:,}",
        "tokens computed in all steps": f"{plan.computed_tokens:,}",
        **({"processes": f"{plan.processes}"} if plan.processes > 1 else {}),
        f"{what}: weights": _gigabytes(memory.weights),
        f"{what}: what is trained": _gigabytes(memory.adapter),
        f"{what}: activations": _gigabytes(memory.activations),
        f"{what}: logits": _gigabytes(memory.logits),
        f"{what}: process": _gigabytes(memory.process),
        **({f"{what}: while loading": _gigabytes(memory.loading)} if memory.loading else {}),
        f"{what}: weights' file": _gigabytes(memory.mapped),
        f"{what} at the peak": _gigabytes(memory.total),
        f"free on {plan.device}": _gigabytes(plan.free_bytes),
        "time": _duration(plan.seconds),
    }.items():
        shown.add_row(name, value)
    return shown


def _gigabytes(count: int) -> str:
    return f"{count / _GIGABYTE:.2f} GB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"about {seconds:.0f} s"
    if seconds < 7200:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
