# What .ci/run and .ci/long share: sourced by both, in the repository's root. Every step prints its command and its time, and ends the script
# when it fails.

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2

# step NAME COMMAND...
step() {
	local name=$1 begin=$SECONDS
	shift
	printf '\n=== %s: %s\n' "$name" "$*"
	"$@" || {
		local status=$?
		printf '=== %s FAILED with status %d after %d s\n' "$name" "$status" $((SECONDS - begin)) >&2
		exit 1
	}
	printf '=== %s: %d s\n' "$name" $((SECONDS - begin))
}

# need COMMAND PACKAGE: installs Debian's package where the command is missing and we may.
need() {
	command -v "$1" >/dev/null && return
	echo "$1 is missing; installing $2"
	apt-get update -qq && apt-get install -y -qq "$2"
}

formatted() {
	local files
	files=$(git ls-files -z '*.go' | xargs -0 gofmt -l) || return
	[ -z "$files" ] || { echo "gofmt would change:" "$files"; return 1; }
}

# built FILE: without cgo, for each system that has users; stripped, at most 40 MB.
built() {
	local system
	for system in linux/amd64 linux/arm64 darwin/arm64 windows/amd64; do
		CGO_ENABLED=0 GOOS=${system%/*} GOARCH=${system#*/} go build ./... || return
	done
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$1" ./cmd/meseta || return
	local bytes
	bytes=$(stat -c %s "$1") || return
	echo "the stripped binary has $bytes bytes, at most 40000000 are allowed"
	[ "$bytes" -le 40000000 ]
}

# built_for_gpus FILE: with the tag nvidia; it needs the C library alone.
built_for_gpus() {
	make cuda && cp bin/meseta-cuda "$1" || return
	local libraries
	libraries=$(ldd "$1") || return
	echo "$libraries"
	! grep -vE 'linux-vdso|libc\.so|/ld-linux|libdl|libpthread' <<<"$libraries"
}

# with_cgo COMMAND...: with the C compiler and NVIDIA's headers.
with_cgo() {
	local flags
	flags=$(gpu/_headers/cflags.sh) || return
	CGO_ENABLED=1 CGO_CFLAGS=$flags "$@"
}

# without_gpu BINARY: a program for GPUs trains on a machine that has none, says why it takes the CPU, and refuses when it must not.
without_gpu() {
	export MESETA_LIBCUDA=/nowhere/libcuda.so.1
	local said=$work/without-gpu status=0
	"$1" doctor || return
	"$1" train --steps 5 --val 100 --run-dir "$said.run" 2>&1 | tee "$said" || return
	grep -q 'computing on the CPU: there is no NVIDIA driver' "$said" || { echo "it did not say why it takes the CPU"; return 1; }
	"$1" train --device cuda --steps 1 --run-dir "$said.refused" >"$said" 2>&1 && status=1
	cat "$said"
	grep -q 'install the NVIDIA driver' "$said" && [ ! -e "$said.refused" ] && return $status
}

# covered PERCENT PACKAGE...: statement coverage of each package by its own tests.
covered() {
	local least=$1 report
	shift
	report=$(go test -short -timeout 20m -cover "$@") || { echo "$report"; return 1; }
	echo "$report"
	awk -v least="$least" -v want=$# '
		match($0, /coverage: [0-9.]+%/) { n++; if (substr($0, RSTART + 10) + 0 < least) { print "below " least " %: " $2; bad = 1 } }
		END { if (n != want) { print "coverage of " n + 0 " packages, not of " want; bad = 1 }; exit bad }' <<<"$report"
}

# fuzzed TIME: every fuzz target that there is, for that long each.
fuzzed() {
	local list package target
	list=$(go test -list '^Fuzz' ./...) || { echo "$list"; return 1; }
	list=$(awk '/^Fuzz/ { targets[n++] = $1 } $1 == "ok" { for (i = 0; i < n; i++) print $2, targets[i]; n = 0 }' <<<"$list")
	[ -n "$list" ] || { echo "no fuzz targets found"; return 1; }
	while read -r package target; do
		echo "go test -run '^\$' -fuzz '^$target\$' -fuzztime $1 $package"
		# Go would spend a minute on making each new input smaller.
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 10x "$package" </dev/null || return
	done <<<"$list"
}

# trained BINARY_OR_GO_RUN... : the default run in $work/run with further flags, and whether its test accuracy reaches $least_accuracy.
trained() {
	"$@" --run-dir "$work/run" --json >"$work/result.json" || return
	cat "$work/result.json"
	"$python" - "$work/result.json" "$least_accuracy" <<-'EOF'
		import json, sys
		accuracy, least = json.load(open(sys.argv[1]))["test"]["accuracy"], float(sys.argv[2])
		print(f"test accuracy {accuracy:.4f}, at least {least} is wanted")
		sys.exit(accuracy < least)
	EOF
	local status=$? file
	for file in mejor_modelo.h5 history.csv journal.jsonl config.yaml curves.png report.html; do
		[ -s "$work/run/$file" ] || { echo "the run left no $file"; status=1; }
	done
	return $status
}

# same_as_keras FILE: Keras opens the model and predicts what `meseta predict` wrote, within 1e-5.
same_as_keras() {
	"$python" -c 'import sys, numpy; numpy.save(sys.argv[1], numpy.random.default_rng(1).random((300, 28, 28, 1), "float32"))' "$work/x.npy" || return
	"$work/meseta" predict "$1" --input "$work/x.npy" --output "$work/y.npy" || return
	"$python" - "$1" "$work/x.npy" "$work/y.npy" <<-'EOF'
		import sys, keras, numpy
		theirs = keras.models.load_model(sys.argv[1]).predict(numpy.load(sys.argv[2]), verbose=0)
		ours = numpy.load(sys.argv[3])
		assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
		difference = float(numpy.abs(ours - theirs).max())
		print(f"Keras {keras.__version__} differs by at most {difference:.2g}, allowed are 1e-5")
		sys.exit(not difference <= 1e-5)
	EOF
}
