"""Reads a log directory as TensorBoard's dashboards do, and prints what they would show as JSON, for tensorboard_test.go."""

import json
import sys

from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins.graph import keras_util

multiplexer = plugin_event_multiplexer.EventMultiplexer(size_guidance={"tensors": 0})
multiplexer.AddRunsFromDirectory(sys.argv[1])
multiplexer.Reload()
provider = data_provider.MultiplexerDataProvider(multiplexer, sys.argv[1])
ctx = context.RequestContext()
where = {"experiment_id": ""}
out = {"scalars": {}, "histograms": {}, "images": {}, "graphs": {}}

for run, series in provider.read_scalars(ctx, **where, plugin_name="scalars", downsample=10**6).items():
    for tag, points in series.items():
        out["scalars"][f"{run}/{tag}"] = [[p.step, p.value] for p in points]
for run, series in provider.read_tensors(ctx, **where, plugin_name="histograms", downsample=10**6).items():
    for tag, points in series.items():
        out["histograms"][f"{run}/{tag}"] = [{"step": p.step, "rows": p.numpy.tolist()} for p in points]
for run, series in provider.read_blob_sequences(ctx, **where, plugin_name="images", downsample=10**6).items():
    for tag, points in series.items():
        # The first two blobs of a sample are its width and height.
        blobs = [[provider.read_blob(ctx, blob_key=v.blob_key) for v in p.values] for p in points]
        assert all(b.startswith(b"\x89PNG") for sample in blobs for b in sample[2:]), tag
        out["images"][f"{run}/{tag}"] = [[p.step, int(b[0]), int(b[1]), len(b) - 2] for p, b in zip(points, blobs)]
for run, series in multiplexer.PluginRunToTagToContent("graph_keras_model").items():
    for tag in series:
        (event,) = multiplexer.Tensors(run, tag)
        graph = keras_util.keras_model_to_graph_def(json.loads(event.tensor_proto.string_val[0]))
        out["graphs"][f"{run}/{tag}"] = {node.name: sorted(node.input) for node in graph.node}
json.dump(out, sys.stdout)
