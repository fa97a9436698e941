"""The tuner: how many uploads at once, and how fast, with no setting.

`Tuner.decide(sample)` is all there is to call, once a second. Inside,
the governor (`rules.py`, `heat.py`) keeps the Pi healthy and the
explorer (`explorer.py`, `shapes.py`) seeks goodput; docs/tuner.md
explains both on a page.
"""

from piuploader.core.limit import Reason
from piuploader.core.tuner.fixed import Fixed
from piuploader.core.tuner.sample import MOST_UPLOADS, Decision, Flow, Machine, Sample
from piuploader.core.tuner.tuner import Tuner

__all__ = ["MOST_UPLOADS", "Decision", "Fixed", "Flow", "Machine", "Reason", "Sample", "Tuner"]
