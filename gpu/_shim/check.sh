#!/usr/bin/env bash
# Fails when shim_names.h is not what the generator makes, or the package does not build with the headers of CUDA 11, 12 or 13.
set -euo pipefail
cd "$(dirname "$0")/.."
before=$(mktemp)
trap 'rm -f "$before"' EXIT
cp shim_names.h "$before"
go generate .
diff -u "$before" shim_names.h || { echo 'gpu/shim_names.h is not what `go generate ./gpu` makes; run it and commit the result' >&2; exit 1; }
