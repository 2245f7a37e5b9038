"""What every indicator has to hold, as checks that can be run on any: those that are shipped and people's own.

``properties`` hold on any bars, with holes, NaN and cuts anywhere; ``facts`` on bars that the check makes. ``checking``
runs all of them on one Step and says the smallest example that breaks one. Add a check to either list and every
indicator is held to it.
"""

from assay.features.contract.broken import ContractError
from assay.features.contract.checking import Checked, Outcome, check_step
from assay.features.contract.facts import FACTS
from assay.features.contract.properties import PROPERTIES

__all__ = ["FACTS", "PROPERTIES", "Checked", "ContractError", "Outcome", "check_step"]
