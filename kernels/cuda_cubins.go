//go:build nvidia && cgo && cubins

package kernels

import _ "embed"

// cubinsZip is written by _cuda/cubins.sh, which `make cuda` calls.
//
//go:embed cubins.zip
var cubinsZip string
