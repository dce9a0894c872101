"""Does a text sound like the brand? A classifier's answer, with what keeps it honest."""

from eval.tone.measure import TONE, Control, Tone, measure_tone
from eval.tone.registers import built_in_registers, read_registers

__all__ = ["TONE", "Control", "Tone", "built_in_registers", "measure_tone", "read_registers"]
