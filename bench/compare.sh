#!/usr/bin/env bash
# compare.sh [PEERS] [OPTIONS of compare.py]: builds meseta, sets up the peers' pinned Python environments, and runs both
# by turns. PEERS is a list of torch (the default), torch-compiled, onnxruntime and keras. PyTorch's environment takes 6 GB.
# compare.sh ops [OPTIONS of compare_ops.py]: the same for single operations, with PyTorch.
#
#   bench/compare.sh torch,torch-compiled --models resnet20 --modes train --pairs 9
#   bench/compare.sh ops --list gemm_square
set -euo pipefail
here=$(dirname "$(realpath "$0")")
peers=torch
case ${1:-} in '' | -*) ;; *) peers=$1; shift ;; esac
binary=$(mktemp -d)
trap 'rm -rf "$binary"' EXIT
(cd "$here/.." && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary/meseta" ./cmd/meseta)
environment() { "$here/peers/venv.sh" "$here/peers/requirements-$1.txt"; }
options=()
case ,$peers, in *,torch* | *,onnxruntime,* | ,ops,) options+=(--torch "$(environment torch)") ;; esac
case ,$peers, in *,keras,*) options+=(--keras "$(environment keras)") ;; esac
program=compare_ops.py
[ "$peers" = ops ] || { program=compare.py; options+=(--peers "$peers"); }
python3 "$here/$program" --meseta "$binary/meseta" "${options[@]}" "$@"
