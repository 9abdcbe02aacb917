"""Prints a line of JSON: which PyTorch this is, and its GPU."""
import json

import torch

gpu = torch.cuda.get_device_properties(0)
print(json.dumps(dict(version=torch.__version__, cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version(), device=gpu.name, capability=f"{gpu.major}.{gpu.minor}")))
