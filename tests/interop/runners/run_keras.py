"""Programs that use Keras, and TensorFlow itself."""

import os

from _printed import answer

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
answer("keras", "tensorflow-cpu")
