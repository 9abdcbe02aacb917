// Package memory writes amounts of memory for people. How much there is, kernels/cpu and gpu know.
package memory

import "fmt"

// Size writes a number of bytes as Keras does: 4.58 MB, of 1,048,576 bytes each.
func Size(bytes int) string {
	x := float64(bytes)
	for _, unit := range []string{"B", "KB", "MB", "GB", "TB"} {
		if x < 1024 {
			return fmt.Sprintf("%.2f %s", x, unit)
		}
		x /= 1024
	}
	return fmt.Sprintf("%.2f PB", x)
}
