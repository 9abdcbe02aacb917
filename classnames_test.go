package meseta

import (
	"path/filepath"
	"testing"

	"github.com/meseta-go/meseta/callbacks"
	"github.com/meseta-go/meseta/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// called is a data set whose classes have names.
type called struct {
	data.Dataset
	names []string
}

func (c called) ClassNames() []string { return c.names }

// TestFilesKeepClassNames trains on classes with names: files of whole models have them, also those of callbacks, and a model that goes on with other data
// has the names of these.
func TestFilesKeepClassNames(t *testing.T) {
	dir, names := t.TempDir(), []string{"gato", "perro ñ", "pez"}
	m := compileTiny(t, 1)
	assert.Nil(t, m.ClassNames())
	_, err := m.Fit(t.Context(), called{tinyData(t, 20), names}, FitOptions{
		Dir: dir, Callbacks: []callbacks.Callback{callbacks.NewModelCheckpoint("checkpoint.keras")}, ValidationSplit: .5,
	})
	require.NoError(t, err)
	for _, name := range []string{"m.h5", "m.keras"} {
		require.NoError(t, m.Save(filepath.Join(dir, name)))
	}
	for _, name := range []string{"m.h5", "m.keras", "checkpoint.keras"} {
		loaded, err := Load(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, names, loaded.ClassNames(), name)
		_, err = loaded.Fit(t.Context(), tinyData(t, 20), FitOptions{})
		require.NoError(t, err)
		assert.Equal(t, names, loaded.ClassNames(), "data without names leave them")
		_, err = loaded.Fit(t.Context(), called{tinyData(t, 20), []string{"a", "b", "c"}}, FitOptions{})
		require.NoError(t, err)
		assert.Equal(t, []string{"a", "b", "c"}, loaded.ClassNames())
	}
}
