//go:build !race

package callbacks

const raceDetector = false
