"""Writes golden.tfevents with TensorFlow, for events_test.go: what a summary is, byte for byte.

    MESETA_PYTHON=$(bench/peers/venv.sh bench/peers/requirements-keras.txt)
    $MESETA_PYTHON report/testdata/make_events.py

The summaries are TensorFlow's own; only the times are set, so that the file is always the same.
"""

import os
import pathlib
import tempfile

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras.src.callbacks.tensorboard import keras_model_summary  # noqa: E402
from tensorflow.core.util import event_pb2  # noqa: E402


class Network:
    def to_json(self):
        return '{"class_name": "Sequential"}'


with tempfile.TemporaryDirectory() as directory:
    writer = tf.summary.create_file_writer(directory)
    with writer.as_default():
        keras_model_summary("keras", Network(), step=0)
        tf.summary.scalar("epoch_loss", 0.1, step=0)
        tf.summary.scalar("batch_loss", float("nan"), step=300)
        tf.summary.scalar("big", 1e30, step=2**40)
        values = np.sin(np.arange(1000, dtype=np.float32)) ** 3
        tf.summary.histogram("wave/histogram", values, step=1)
        tf.summary.histogram("few/histogram", np.float32([0, 1, 2, 3, 3, 3, -1]), step=1)
        tf.summary.histogram("one/histogram", np.float32([2, 2, 2]), step=1)
        tf.summary.histogram("none/histogram", np.float32([]), step=1)
        pixels = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3, 1) * 20
        tf.summary.image("grey/image", pixels, step=2)
    writer.close()
    (source,) = pathlib.Path(directory).iterdir()
    with tf.io.TFRecordWriter(str(pathlib.Path(__file__).with_name("golden.tfevents"))) as golden:
        for i, record in enumerate(tf.data.TFRecordDataset(str(source))):
            event = event_pb2.Event.FromString(record.numpy())
            event.wall_time = 1700000000.25 + i
            golden.write(event.SerializeToString(deterministic=True))
