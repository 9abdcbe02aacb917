//go:build race

package conv

// raceDetector leaves the larger shapes out: the detector makes the reference's loops twenty times slower.
const raceDetector = true
