package vec

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestComplement(t *testing.T) {
	for x, want := range map[float32]float32{0.9: 0.1, 0.99: 0.01, 0.999: 0.001, 0.9999: 0.0001, 0: 1, 1: 0, 0.5: 0.5} {
		assert.Equal(t, want, Complement(x))
	}
	assert.NotEqual(t, float32(0.001), 1-float32(0.999), "if this were so, Complement would have no use")
	assert.Zero(t, testing.AllocsPerRun(10, func() { Complement(0.999) }))
}
