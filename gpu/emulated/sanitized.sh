#!/usr/bin/env bash
# sanitized.sh COMMAND...: runs a program that opens a driver built with "sanitized" (build.sh): the sanitizer's library has to be there before everything else, and
# it looks for leaks in neither Go's memory nor the driver's, and leaves signals to Go. `go test -exec` wants this file's whole path.
set -euo pipefail
LD_PRELOAD=$(realpath "$(g++ -print-file-name=libasan.so)")
export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0
exec "$@"
