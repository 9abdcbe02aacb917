package callbacks

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThroughput(t *testing.T) {
	s := stream{"loss": {3, 2}, "val_loss": {3, 2}}
	var said bytes.Buffer
	setup := setupFor(t, s, 3, &recorder{})
	setup.Log = &said
	clock := &clock{time.Unix(1, 0)}
	c := NewThroughput()
	c.FLOPsPerSample, c.PeakFLOPS, c.now = 2e6, 1e9, clock.now
	m, err := NewManager([]Callback{c}, setup)
	require.NoError(t, err)
	require.NoError(t, m.TrainBegin())
	for epoch := range 2 {
		require.NoError(t, m.EpochBegin(epoch))
		for i, size := range []int{32, 32, 16} {
			clock.t = clock.t.Add(time.Duration(epoch+1) * 100 * time.Millisecond)
			_, err := m.BatchEnd(Batch{Epoch: epoch, Index: i, Step: 3*epoch + i, Size: size})
			require.NoError(t, err)
		}
		require.NoError(t, m.TestBegin(1))
		clock.t = clock.t.Add(time.Hour) // validation does not count
		require.NoError(t, m.TestEnd())
		_, err := m.EpochEnd(epoch, s.at(epoch))
		require.NoError(t, err)
	}
	require.NoError(t, m.TrainEnd(nil))
	assert.Equal(t, []EpochThroughput{{0, 3, 80, 300 * time.Millisecond}, {1, 3, 80, 600 * time.Millisecond}}, c.Epochs)
	assert.InDelta(t, 80/0.3, c.Epochs[0].SamplesPerSecond(), 1e-9)
	assert.InDelta(t, 80/0.3*2e6/1e9, c.Utilization(c.Epochs[0]), 1e-12)
	assert.Equal(t, "Epoch 1: 267 samples/s, 53.3 % of the device's peak\nEpoch 2: 133 samples/s, 26.7 % of the device's peak\n", said.String())

	quiet := &Throughput{}
	said.Reset()
	m, err = NewManager([]Callback{quiet}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, &recorder{})
	assert.Len(t, quiet.Epochs, 2)
	assert.Positive(t, quiet.Epochs[1].SamplesPerSecond())
	assert.Zero(t, quiet.Utilization(quiet.Epochs[1]))
	assert.Zero(t, EpochThroughput{}.SamplesPerSecond())
	assert.Empty(t, said.String())

	require.NoError(t, quiet.Begin(&setup))
	assert.Empty(t, quiet.Epochs, "a new fit empties it")
}
