#!/usr/bin/env bash
# venv.sh REQUIREMENTS: makes a Python environment with the pinned packages of a file, and prints its interpreter.
#
# It is kept in the user's cache under a name made of the pins and of Python's version, so that the next call costs
# nothing and a changed pin makes a new one. Two calls at once wait for each other. Needs python3 with venv.
set -euo pipefail
requirements=$(realpath "$1")
base=${PYTHON:-python3}
version=$("$base" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
name=$(basename "$requirements" .txt)
key=$( (cat "$requirements"; echo "$version") | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meseta
venv=$cache/${name#requirements-}-$key
mkdir -p "$cache"
exec 9>"$venv.lock"
flock 9
if [ ! -e "$venv/complete" ]; then
	echo "venv.sh: installing $(tr '\n' ' ' <"$requirements")into $venv" >&2
	rm -rf "$venv"
	"$base" -m venv "$venv" >&2
	"$venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check -r "$requirements" >&2
	touch "$venv/complete"
fi
echo "$venv/bin/python"
