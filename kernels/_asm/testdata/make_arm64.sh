#!/bin/sh
# Writes arm64.txt, instructions as GNU's assembler encodes them: the word, then the text. Needs Debian's binutils-aarch64-linux-gnu.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for registers in '0 1 2' '31 30 29' '10 21 4' '16 15 31'; do
	set -- $registers
	for op in fadd fsub fmul fdiv fmax fmin fcmgt fcmge fcmeq cmhs mul; do echo "$op v$1.4s, v$2.4s, v$3.4s"; done
	echo "bic v$1.16b, v$2.16b, v$3.16b"
	echo "umull v$1.2d, v$2.2s, v$3.2s"
	echo "umull2 v$1.2d, v$2.4s, v$3.4s"
	for op in fadd fsub fmul fdiv fcmgt fcmge fcmeq; do echo "$op v$1.2d, v$2.2d, v$3.2d"; done
	echo "fsqrt v$1.4s, v$2.4s"
	echo "fsqrt v$1.2d, v$2.2d"
	echo "fcvtn v$1.2s, v$2.2d"
	echo "faddp d$1, v$2.2d"
	echo "fmaxv s$1, v$2.4s"
	echo "fcvtl v$1.2d, v$2.2s"
	echo "mvn v$1.16b, v$2.16b"
	for lane in 0 1 2 3; do echo "fmla v$1.4s, v$2.4s, v$3.s[$lane]"; done
done >"$work/list.s"
aarch64-linux-gnu-as -o "$work/list.o" "$work/list.s"
aarch64-linux-gnu-objcopy -O binary -j .text "$work/list.o" "$work/words"
{
	echo "# $(aarch64-linux-gnu-as --version | head -1), by make_arm64.sh"
	od -An -v -tx4 -w4 --endian=little "$work/words" | tr -d ' ' | paste -d' ' - "$work/list.s"
} >arm64.txt
