//go:build nvidia && cgo && !cubins

package kernels

// cubinsZip is empty in programs that were built with the tag nvidia alone.
const cubinsZip = ""
