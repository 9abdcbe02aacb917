package main

import "fmt"

// Instructions that Go's assembler has no name for, as words. The numbers are of the Arm Architecture Reference Manual (DDI 0487), C7.2;
// arm64_test.go holds every one against what GNU's assembler makes.

// threeSame are instructions of two sources n and m and a destination d: bits 16 to 20, 5 to 9 and 0 to 4.
var threeSame = map[string]uint32{
	"fadd v%d.4s, v%d.4s, v%d.4s":   0x4e20d400,
	"fsub v%d.4s, v%d.4s, v%d.4s":   0x4ea0d400,
	"fcmge v%d.4s, v%d.4s, v%d.4s":  0x6e20e400,
	"fmul v%d.4s, v%d.4s, v%d.4s":   0x6e20dc00,
	"fdiv v%d.4s, v%d.4s, v%d.4s":   0x6e20fc00,
	"fmax v%d.4s, v%d.4s, v%d.4s":   0x4e20f400,
	"fmin v%d.4s, v%d.4s, v%d.4s":   0x4ea0f400,
	"fcmgt v%d.4s, v%d.4s, v%d.4s":  0x6ea0e400,
	"fcmeq v%d.4s, v%d.4s, v%d.4s":  0x4e20e400,
	"cmhs v%d.4s, v%d.4s, v%d.4s":   0x6ea03c00,
	"mul v%d.4s, v%d.4s, v%d.4s":    0x4ea09c00,
	"bic v%d.16b, v%d.16b, v%d.16b": 0x4e601c00,
	"umull v%d.2d, v%d.2s, v%d.2s":  0x2ea0c000,
	"umull2 v%d.2d, v%d.4s, v%d.4s": 0x6ea0c000,
	"fadd v%d.2d, v%d.2d, v%d.2d":   0x4e60d400,
	"fsub v%d.2d, v%d.2d, v%d.2d":   0x4ee0d400,
	"fmul v%d.2d, v%d.2d, v%d.2d":   0x6e60dc00,
	"fdiv v%d.2d, v%d.2d, v%d.2d":   0x6e60fc00,
	"fcmgt v%d.2d, v%d.2d, v%d.2d":  0x6ee0e400,
	"fcmge v%d.2d, v%d.2d, v%d.2d":  0x6e60e400,
	"fcmeq v%d.2d, v%d.2d, v%d.2d":  0x4e60e400,
}

// twoMisc are instructions of one source n and a destination d.
var twoMisc = map[string]uint32{
	"fsqrt v%d.4s, v%d.4s": 0x6ea1f800,
	"fsqrt v%d.2d, v%d.2d": 0x6ee1f800,
	"fcvtn v%d.2s, v%d.2d": 0x0e616800,
	"faddp d%d, v%d.2d":    0x7e70d800,
	"fmaxv s%d, v%d.4s":    0x6e30f800,
	"fcvtl v%d.2d, v%d.2s": 0x0e617800,
	"mvn v%d.16b, v%d.16b": 0x6e205800,
}

// same finds a three-register instruction by its start, and encodes it.
func same(format string, d, n, m int) (word uint32, text string) {
	base, ok := threeSame[format]
	if !ok {
		panic("no instruction " + format)
	}
	return base | uint32(m)<<16 | uint32(n)<<5 | uint32(d), fmt.Sprintf(format, d, n, m)
}

// misc is same for two registers.
func misc(format string, d, n int) (word uint32, text string) {
	base, ok := twoMisc[format]
	if !ok {
		panic("no instruction " + format)
	}
	return base | uint32(n)<<5 | uint32(d), fmt.Sprintf(format, d, n)
}

// fmlaElement is d += n·m[lane], for each of four lanes of d and n. The lane's high bit is bit 11, its low bit 21.
func fmlaElement(d, n, m, lane int) (word uint32, text string) {
	word = 0x4f801000 | uint32(lane&1)<<21 | uint32(m)<<16 | uint32(lane>>1)<<11 | uint32(n)<<5 | uint32(d)
	return word, fmt.Sprintf("fmla v%d.4s, v%d.4s, v%d.s[%d]", d, n, m, lane)
}
