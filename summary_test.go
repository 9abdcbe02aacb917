package meseta

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/meseta-go/meseta/checkpoint"
	"github.com/meseta-go/meseta/models"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Summaries are Keras's own, to the letter; testdata/summaries/make_summaries.py made them.
func TestSummaryIsKeras(t *testing.T) {
	files, err := filepath.Glob("testdata/summaries/*.txt")
	require.NoError(t, err)
	require.Len(t, files, 17)
	for _, file := range files {
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		base := strings.TrimSuffix(filepath.Base(file), ".txt")
		cut := strings.LastIndexByte(base, '-')
		columns, err := strconv.Atoi(base[cut+1:])
		require.NoError(t, err)
		g, err := models.New(base[:cut])
		if err != nil {
			config, err := os.ReadFile(filepath.Join("testdata/summaries", base[:cut]+".json"))
			require.NoError(t, err)
			g, err = checkpoint.UnmarshalConfig(config)
			require.NoError(t, err)
		}
		assert.Equal(t, string(want), Summary(g, columns), base)
	}
	g, err := models.New("mnist-cnn")
	require.NoError(t, err)
	assert.Equal(t, Summary(g, 80), Summary(g, 0))
	assert.Equal(t, Summary(g, 40), Summary(g, 1), "a terminal can be too narrow for any table")
}
