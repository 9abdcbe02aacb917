#!/usr/bin/env bash
# compare.sh [PEERS] [OPTIONS of compare.py]: builds meseta, sets up the peers' pinned Python environments, and runs both
# by turns. PEERS is a list of torch (the default), torch-compiled, onnxruntime and keras. PyTorch's environment takes 6 GB.
#
#   bench/compare.sh torch,torch-compiled --models resnet20 --modes train --pairs 9
set -euo pipefail
here=$(dirname "$(realpath "$0")")
peers=torch
case ${1:-} in '' | -*) ;; *) peers=$1; shift ;; esac
binary=$(mktemp -d)
trap 'rm -rf "$binary"' EXIT
(cd "$here/.." && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary/meseta" ./cmd/meseta)
options=(--peers "$peers")
case ,$peers, in *,torch* | *,onnxruntime,*) options+=(--torch "$("$here/peers/venv.sh" "$here/peers/requirements-torch.txt")") ;; esac
case ,$peers, in *,keras,*) options+=(--keras "$("$here/peers/venv.sh" "$here/peers/requirements-keras.txt")") ;; esac
python3 "$here/compare.py" --meseta "$binary/meseta" "${options[@]}" "$@"
