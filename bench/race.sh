#!/usr/bin/env bash
# race.sh cifar10 FOLDER [OPTIONS of race.py]: trains resnet20 for an hour on CIFAR-10, beside PyTorch. FOLDER has its binary version, or its images
# as train/CLASS/* and test/CLASS/*, packed (.tar.gz, .zip) or not.
# race.sh mnist [OPTIONS of race.py]: trains mnist-cnn on MNIST until 99 % of the test images are right, beside PyTorch and Keras.
# race.sh report RESULTS [--plot FILE]: the table of a race that was run with --results.
#
# It builds meseta's contender and sets up the peers' pinned Python environments. race.py says what is timed, and how.
#
#   bench/race.sh cifar10 ~/cifar10.tar.gz --results cifar10.jsonl
#   bench/race.sh mnist --results mnist.jsonl --require 0.5
set -euo pipefail
here=$(dirname "$(realpath "$0")")
task=${1:?mnist, cifar10 or report}
shift
[ "$task" != report ] || exec python3 "$here/race.py" report "$@"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here/.." && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$work/race" ./bench/race)
environment() { "$here/peers/venv.sh" "$here/peers/requirements-$1.txt"; }
options=(--torch "$(environment torch)")
data=$here/../data/mnist
case $task in
cifar10)
	data=${1:?a folder with CIFAR-10}
	shift
	if [ ! -e "$data/data_batch_1.bin" ]; then
		"$work/race" convert "$data" "$work/cifar10"
		data=$work/cifar10
	fi
	;;
mnist) options+=(--keras "$(environment keras)") ;;
esac
case " $* " in *' --results '*) ;; *) options+=(--results "$work/results.jsonl") ;; esac
python3 "$here/race.py" "$task" --meseta "$work/race" --data "$data" "${options[@]}" "$@"
