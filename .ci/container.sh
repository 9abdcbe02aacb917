#!/usr/bin/env bash
# container.sh: builds Dockerfile.cuda and runs the image as its users would, on a machine without a GPU. It needs neither a daemon nor a registry of images: the bases are made here,
# of Debian's packages and of the Go that this machine has, with its Go settings and certificates, so they are for tests alone. Debian's and PyPI's servers are needed; root, Debian or Ubuntu.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/steps.sh
exec </dev/null
work=$(mktemp -d)
started=()
pod() { podman --root "$work/storage" --runroot "$work/run" --storage-driver overlay --runtime runc "$@"; }
finish() {
	[ ${#started[@]} = 0 ] || pod rm -f -t 2 "${started[@]}" >/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
need podman podman
need runc runc
need mmdebstrap mmdebstrap

image=localhost/meseta:test

# build FILE CONTEXT FLAG...: in a chroot; only Docker's format has HEALTHCHECK.
build() { pod build -q --isolation chroot --pull=never --format docker -f "$@"; }

# base_run makes what debian:bookworm-slim is: the essential packages without pages about them.
base_run() {
	mmdebstrap -q --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		bookworm "$work/base.tar" && pod import -q -c 'CMD ["bash"]' "$work/base.tar" localhost/debian:bookworm-slim && rm "$work/base.tar"
}

# base_build makes what golang:1.26-bookworm is.
base_build() {
	local dir=$work/go name
	mkdir -p "$dir/certificates" && cp -a "$(go env GOROOT)" "$dir/go" || return
	cp -L /usr/local/share/ca-certificates/*.crt "$dir/certificates/" 2>/dev/null || true
	for name in GOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOFLAGS; do echo "$name=$(go env $name)"; done >"$dir/env"
	cat >"$dir/Dockerfile" <<-'END'
		FROM localhost/debian:bookworm-slim
		COPY certificates /usr/local/share/ca-certificates
		COPY go /usr/local/go
		COPY env /root/.config/go/env
		ENV PATH=/usr/local/go/bin:/go/bin:$PATH GOPATH=/go GOTOOLCHAIN=local
		RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates g++ gcc git libc6-dev make pkg-config && rm -rf /var/lib/apt/lists/*
		WORKDIR /go
	END
	build "$dir/Dockerfile" -t localhost/golang:bookworm "$dir" && rm -rf "$dir"
}

# start FLAG... -- ARGUMENT...: a container that goes on; prints its name.
start() {
	local flags=()
	while [ "$1" != -- ]; do flags+=("$1"); shift; done
	shift
	pod run -d --network none --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 "${flags[@]}" "$image" "$@"
}

# once ARGUMENT...: a container that ends.
once() { pod run --rm --network none --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 "$image" "$@"; }

# small: beside the base there is the program and nothing else that counts.
small() {
	local whole base
	whole=$(pod image inspect -f '{{.Size}}' "$image") && base=$(pod image inspect -f '{{.Size}}' localhost/debian:bookworm-slim) || return
	echo "the image has $whole bytes, of which $((whole - base)) come on top of the base; at most 200000000 and 60000000 are allowed"
	[ "$whole" -le 200000000 ] && [ $((whole - base)) -le 60000000 ]
}

# healthy: the default command trains, as a user who is not root, and HEALTHCHECK is content with it; where /work cannot be written it is not.
healthy() {
	local id pid bad
	id=$(start --) || return
	started+=("$id")
	for _ in $(seq 30); do
		pod healthcheck run "$id" >/dev/null && break
		sleep 1
	done
	pod healthcheck run "$id" || { pod logs "$id"; return 1; }
	echo "health: $(pod inspect -f '{{.State.Health.Status}}' "$id")"
	pid=$(pod inspect -f '{{.State.Pid}}' "$id")
	grep ^Uid "/proc/$pid/status"
	! grep -qP '^Uid:.*\t0\b' "/proc/$pid/status" || { echo "the program runs as root"; return 1; }
	mkdir "$work/roots"
	bad=$(start -v "$work/roots:/work" --entrypoint '["sleep", "60"]' --) || return
	started+=("$bad")
	! pod healthcheck run "$bad" || { echo "HEALTHCHECK does not see that runs cannot be written"; return 1; }
}

# trains: on the CPU, saying why, where no GPU is asked for; one that is asked for by name is missed.
trains() {
	local said=$work/said status=0
	once train --steps 5 --val 100 2>&1 | tee "$said" || return
	grep -q 'computing on the CPU: there is no NVIDIA driver' "$said" || { echo "it did not say why it takes the CPU"; return 1; }
	for arguments in 'train --steps 5 --device cuda' 'doctor --device cuda'; do
		# shellcheck disable=SC2086
		once $arguments >"$said" 2>&1 && status=1
		cat "$said"
		grep -q 'a container wants --gpus all and the NVIDIA Container Toolkit' "$said" || status=1
	done
	return $status
}

step 'base to run on' base_run
step 'base to build on' base_build
step 'build' build Dockerfile.cuda --build-arg BASE_BUILD=localhost/golang:bookworm --build-arg BASE_RUN=localhost/debian:bookworm-slim -t "$image" .
step 'small' small
step 'healthy' healthy
step 'trains' trains
