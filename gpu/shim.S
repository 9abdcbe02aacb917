//go:build nvidia && cgo

// Each function of the driver's interface that this program names, as a jump to where meseta_functions says. It needs to know no arguments, so no headers,
// and works with those of every version. The names are hidden: libraries that want a driver never meet them.
#if defined(__x86_64__)
#define FORWARD(i, name, ours) \
	.globl name; .hidden name; .type name, @function; \
name:	jmp *(meseta_functions + 8 * i)(%rip); \
	.size name, . - name;
#elif defined(__aarch64__)
#define FORWARD(i, name, ours) \
	.globl name; .hidden name; .type name, %function; \
name:	adrp x16, meseta_functions + 8 * i; \
	ldr x16, [x16, :lo12:meseta_functions + 8 * i]; \
	br x16; \
	.size name, . - name;
#else
#error "the tag nvidia is for linux/amd64 and linux/arm64"
#endif

	.text
#include "shim_names.h"

	.section .note.GNU-stack,"",%progbits
