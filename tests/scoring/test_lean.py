"""LightGBM alone scores the same to the bit, and hides nothing from whoever comes later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import lightgbm
import numpy as np

ROOT = Path(__file__).parents[2]
ASK = """
import json, sys
from scoring.lean import import_lightgbm_alone
import_lightgbm_alone()
import lightgbm
import numpy as np
without = "sklearn" not in sys.modules
scores = lightgbm.Booster(model_file=sys.argv[1]).predict(np.load(sys.argv[2]))
import sklearn.base
print(json.dumps([without, scores.tolist(), sklearn.base.BaseEstimator.__name__]))
"""


def test_it_scores_the_same_and_hides_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    tuned = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(tuned, lightgbm.Dataset(X, (np.nan_to_num(X[:, 0]) > 0).astype(float)), 10)
    booster.save_model(tmp_path / "model.txt")
    np.save(tmp_path / "rows.npy", X)
    asked = [sys.executable, "-c", ASK, str(tmp_path / "model.txt"), str(tmp_path / "rows.npy")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True, timeout=300).stdout
    assert json.loads(said) == [True, booster.predict(X).tolist(), "BaseEstimator"]
