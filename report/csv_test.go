package report

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.csv")
	all := func(int) bool { return true }
	write := func(keep func(int) bool, rows ...map[string]float64) string {
		table, err := OpenCSV(path, ',', []string{"val_loss", "loss", "a,b"}, keep)
		require.NoError(t, err)
		for i, row := range rows {
			require.NoError(t, table.Row(i, row))
		}
		require.NoError(t, table.Close())
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(text)
	}
	const header = "epoch,\"a,b\",loss,val_loss\n"
	one := map[string]float64{"loss": 0.1, "val_loss": math.NaN(), "a,b": math.Inf(1)}
	assert.Equal(t, header+"0,inf,0.1,nan\n1,NA,NA,NA\n", write(nil, one, nil))
	assert.Equal(t, header+"0,NA,-inf,NA\n", write(nil, map[string]float64{"loss": math.Inf(-1)}), "it starts over")
	assert.Equal(t, header+"0,NA,-inf,NA\n0,NA,1e-30,NA\n", write(all, map[string]float64{"loss": 1e-30}), "it goes on")

	// What a crash cut off goes, and so do rows that are not to stay.
	require.NoError(t, os.WriteFile(path, []byte(header+"0,NA,1,2\n1,NA,-i"), 0o666))
	assert.Equal(t, header+"0,NA,1,2\n0,NA,1,NA\n", write(all, map[string]float64{"loss": 1}))
	require.NoError(t, os.WriteFile(path, []byte(header+"0,NA,1,2\n1,NA,3,4\nx,5,6,7\n2,NA,8,9\n"), 0o666))
	assert.Equal(t, header+"0,NA,1,2\nx,5,6,7\n0,NA,1,NA\n", write(func(epoch int) bool { return epoch < 1 }, map[string]float64{"loss": 1}))
}

// A table gets columns for what comes later, in one run or in the next one; its permissions stay.
func TestCSVColumnsComeLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h.csv")
	table, err := OpenCSV(path, ';', []string{"loss"}, nil)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, table.Row(0, map[string]float64{"loss": 1}))
	require.NoError(t, table.Row(1, map[string]float64{"loss": 2, "z": 3, "a;b": 4}))
	require.NoError(t, table.Row(2, map[string]float64{"loss": 5}))
	require.NoError(t, table.Close())
	table, err = OpenCSV(path, ';', []string{"accuracy", "loss"}, func(int) bool { return true })
	require.NoError(t, err)
	require.NoError(t, table.Row(3, map[string]float64{"loss": 6, "accuracy": 7}))
	require.NoError(t, table.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "epoch;loss;\"a;b\";z;accuracy\n0;1;NA;NA;NA\n1;2;4;3;NA\n2;5;NA;NA;NA\n3;6;NA;NA;7\n", string(text))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing else is left")
}

func TestCSVErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "h.csv")
	table, err := OpenCSV(path, ',', []string{"loss"}, nil)
	require.NoError(t, err)
	require.NoError(t, table.Close())
	assert.ErrorContains(t, table.Row(0, map[string]float64{"loss": 1}), "writing "+path)
	assert.ErrorContains(t, table.Row(0, map[string]float64{"loss": 1, "more": 2}), "for [more], which epoch 1 logged")

	_, err = OpenCSV(filepath.Join(dir, "none", "h.csv"), ',', nil, nil)
	assert.ErrorContains(t, err, "no such file")
	_, err = OpenCSV(path, '"', nil, nil)
	assert.ErrorContains(t, err, "cannot separate columns")
	for _, broken := range []string{"a\"b\n", "loss,epoch\n1,2\n", "epoch,loss", strings.Repeat("\x00", 1000)} {
		require.NoError(t, os.WriteFile(path, []byte(broken), 0o666))
		_, err = OpenCSV(path, ',', []string{"accuracy"}, func(int) bool { return true })
		assert.ErrorContains(t, err, "do not append")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, broken, string(text), "it is as it was")
	}
	require.NoError(t, os.Truncate(path, maxTable+1))
	_, err = OpenCSV(path, ',', []string{"accuracy"}, func(int) bool { return true })
	assert.ErrorContains(t, err, "more than 268435456 bytes")

	// A device has no columns to add, and nothing to read.
	null, err := OpenCSV(os.DevNull, ',', []string{"loss"}, func(int) bool { return true })
	require.NoError(t, err)
	require.NoError(t, null.Row(0, map[string]float64{"loss": 1}))
	assert.ErrorContains(t, null.Row(0, map[string]float64{"more": 1}), "it is no regular file")
	require.NoError(t, null.Close())
}
