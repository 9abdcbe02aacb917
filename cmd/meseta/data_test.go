package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
)

// smallFolder makes class folders train/ and test/ with n and n/2 images of 20x10 pixels, of ten classes, within prefix; and gives all files.
func smallFolder(t *testing.T, prefix string, n int) (dir string, files map[string][]byte) {
	dir, files = t.TempDir(), map[string][]byte{}
	for part, count := range map[string]int{"train": n, "test": n / 2} {
		for i := range count {
			img := image.NewGray(image.Rect(0, 0, 20, 10))
			for x := range 20 {
				img.SetGray(x, i%10, color.Gray{Y: 255})
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, img))
			files[fmt.Sprintf("%s%s/class é %d/image %02d.png", prefix, part, i%10, i)] = b.Bytes()
		}
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, content, 0o666))
	}
	return dir, files
}

func TestTrainOnFolders(t *testing.T) {
	folder, files := smallFolder(t, "my set/", 40)
	archive := filepath.Join(t.TempDir(), "my set.zip")
	f, err := os.Create(archive)
	require.NoError(t, err)
	z := zip.NewWriter(f)
	for name, content := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	var results []result
	for _, from := range []string{folder, archive} {
		saved := filepath.Join(t.TempDir(), "end.h5")
		code, stdout, stderr := run("train", "--data", from, "--val", "0.25", "--epochs", "1", "--batch", "10", "--run-dir", t.TempDir(), "--save", saved, "--json")
		require.Zero(t, code, stderr)
		var r result
		require.NoError(t, json.Unmarshal([]byte(stdout), &r), stdout)
		assert.EqualValues(t, 3, r.Updates, "30 of 40 samples train")
		assert.Contains(t, r.Test, "accuracy")
		code, stdout, stderr = run("eval", saved, "--data", from)
		require.Zero(t, code, stderr)
		assert.Contains(t, stdout, "20 samples")
		r.RunDir, r.Saved, r.Seconds = "", "", 0
		results = append(results, r)
	}
	assert.Equal(t, results[0], results[1], "the same from a directory and an archive")

	broken := filepath.Join(folder, "my set", "train", "class é 3", "broken.png")
	require.NoError(t, os.WriteFile(broken, []byte("no image"), 0o666))
	code, _, stderr := run("train", "--data", folder, "--val", "0.25", "--run-dir", t.TempDir())
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "broken.png")
	code, _, stderr = run("train", "--data", folder, "--val", folder+"/my set/test", "--epochs", "1", "--run-dir", t.TempDir(), "--skip-broken")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stderr, "skipped 1 broken images, 40 are left")
}

func TestData(t *testing.T) {
	folder, _ := smallFolder(t, "", 20)
	code, stdout, stderr := run("data", folder)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "train: 20 images in 10 classes")
	assert.Contains(t, stdout, "2  class é 3\n")
	assert.Contains(t, stdout, "20  20x10\n")
	assert.Contains(t, stdout, "10  png\n")

	require.NoError(t, os.WriteFile(filepath.Join(folder, "test", "class é 9", "x.jpg"), nil, 0o666))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "test", "none"), 0o777))
	code, stdout, stderr = run("data", folder)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "1 images cannot be read")
	assert.Contains(t, stdout, "cannot be read: test/class é 9/x.jpg: broken file: it is empty\n")
	assert.Contains(t, stdout, "0  none  (empty)\n")
	code, stdout, _ = run("data", folder, "--json")
	assert.Equal(t, 1, code)
	var got struct{ Parts []folderInfo }
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.Parts, 2)
	assert.Equal(t, []brokenInfo{{"test/class é 9/x.jpg", "broken file: it is empty"}}, got.Parts[1].Broken)
	assert.Equal(t, data.ClassCount{Name: "class é 9", Images: 1, Broken: 1}, got.Parts[1].Classes[9])

	code, _, stderr = run("data", t.TempDir())
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "there are no images in class folders")
}

func TestLoadDataOfEveryKind(t *testing.T) {
	cifar := t.TempDir()
	for i, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"} {
		require.NoError(t, os.WriteFile(filepath.Join(cifar, name), append([]byte{byte(i)}, make([]byte, 3072)...), 0o666))
	}
	hundred := t.TempDir()
	for _, name := range []string{"train.bin", "test.bin"} {
		require.NoError(t, os.WriteFile(filepath.Join(hundred, name), make([]byte, 3*3074), 0o666))
	}
	folder, _ := smallFolder(t, "", 20)
	for _, c := range []struct {
		from, validation string
		want             [3]int // samples to train, validate, test
	}{
		{cifar, "1", [3]int{4, 1, 1}},
		{hundred, "0.5", [3]int{1, 2, 3}},
		{folder, "0.3", [3]int{14, 6, 10}},
		{folder, "5", [3]int{15, 5, 10}},
		{folder, "0", [3]int{20, 0, 10}},
		{folder, filepath.Join(folder, "test"), [3]int{20, 10, 10}},
		{smallIDX(t, 30), "0.3", [3]int{21, 9, 30}},
		{"../../data/testdata/arrays.h5", "1", [3]int{4, 1, 2}},
		{"../../data/testdata/arrays.npz:x_train,y_train,x_train,y_train", "0.4", [3]int{3, 2, 5}},
		{"../../data/testdata/arrays.npz", "../../data/testdata/other.h5:pictures,kinds", [3]int{5, 5, 2}},
	} {
		s := source{from: c.from, input: []int{28, 28, 1}, seed: 1, say: io.Discard}
		sets, err := loadData(s, c.validation)
		require.NoError(t, err, c)
		got := [3]int{sets.train.Len()}
		for i, ds := range []data.Dataset{sets.validation, sets.test} {
			if ds != nil {
				got[i+1] = ds.Len()
			}
		}
		assert.Equal(t, c.want, got, c)
		test, err := loadTest(s)
		require.NoError(t, err)
		assert.Equal(t, c.want[2], test.Len(), c)
	}
	for _, validation := range []string{"20", "-1", "0.99", "1.5", "NaN", "Inf"} {
		_, err := loadData(source{from: folder, input: []int{28, 28, 1}, say: io.Discard}, validation)
		assert.ErrorAs(t, err, &usageError{}, validation)
	}
	all, err := loadTest(source{from: "../../data/testdata/other.h5:pictures,kinds"})
	require.NoError(t, err)
	assert.Equal(t, 5, all.Len(), "without a test part, all")
	_, err = loadData(source{from: "../../data/testdata/other.h5:pictures"}, "0")
	assert.ErrorContains(t, err, "1 names of arrays")
	_, err = loadData(source{from: folder, input: []int{784}, say: io.Discard}, "0")
	assert.ErrorContains(t, err, "the model wants samples of shape [784]")
}
