"""From interest to a list of places, with reasons.

`rank_places` ranks by hand (chapter 01). `Recommender` goes the whole way, one file per step:
statistics (what everybody did) → sight (what the user did before each query) → moments and
attention (which of it speaks for now) → candidates → features → ranking → rerank → reasons.
Introduced in chapters 01 and 12.
"""

from stim_lib.recommend.places import rank_places
from stim_lib.recommend.recommender import Recommender

__all__ = ["Recommender", "rank_places"]
