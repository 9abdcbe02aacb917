//go:build race

package callbacks

const raceDetector = true
