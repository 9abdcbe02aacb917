#!/usr/bin/env bash
# compare.sh [PEERS] [OPTIONS of compare.py]: builds meseta, sets up the peers' pinned Python environments, and runs both
# by turns. PEERS is torch (the default), keras, or torch,keras. PyTorch's environment takes 6 GB.
#
#   bench/compare.sh torch --models resnet20 --modes train --pairs 9
set -euo pipefail
here=$(dirname "$(realpath "$0")")
peers=torch
case ${1:-} in torch | keras | torch,keras | keras,torch) peers=$1; shift ;; esac
binary=$(mktemp -d)
trap 'rm -rf "$binary"' EXIT
(cd "$here/.." && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$binary/meseta" ./cmd/meseta)
python=
options=()
for peer in ${peers//,/ }; do
	python=$("$here/peers/venv.sh" "$here/peers/requirements-$peer.txt")
	options+=("--$peer" "$python")
done
"$python" "$here/compare.py" --meseta "$binary/meseta" "${options[@]}" "$@"
