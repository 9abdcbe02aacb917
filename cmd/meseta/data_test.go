package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta"
	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/layers"
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

// zipOf packs files.
func zipOf(t *testing.T, files map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestTrainOnFolders(t *testing.T) {
	folder, files := smallFolder(t, "my set/", 40)
	archive := filepath.Join(t.TempDir(), "my set.zip")
	require.NoError(t, os.WriteFile(archive, zipOf(t, files), 0o666))
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

// TestNotesOnFolders are about folders that are no classes, or have no images, or are left aside.
func TestNotesOnFolders(t *testing.T) {
	folder, _ := smallFolder(t, "", 20)
	require.NoError(t, os.Mkdir(filepath.Join(folder, "train", "none"), 0o777))
	require.NoError(t, os.Rename(filepath.Join(folder, "test"), filepath.Join(folder, "val")))
	input := layers.Shape{10, 10, 3}
	for from, want := range map[string]string{
		folder:                         folder + ": 20 images in 11 classes, as 10x10x3\nclass \"none\" has no images\n" + folder + "/val is not used\n",
		filepath.Join(folder, "train"): folder + "/train: 20 images in 11 classes, as 10x10x3\nclass \"none\" has no images\n",
	} {
		var say bytes.Buffer
		_, err := loadData(source{from: from, input: input, say: &say}, "0.5")
		require.NoError(t, err)
		assert.Equal(t, want, say.String())
	}
	for _, val := range []string{"10%", "1.0", "2.5"} {
		_, err := loadData(source{from: folder, input: input, say: io.Discard}, val)
		assert.ErrorContains(t, err, "as 0.1 for a tenth", val)
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "train", "none", "photo.heic"), nil, 0o666))
	var said bytes.Buffer
	_, err := loadData(source{from: folder, input: input, say: &said}, "")
	require.NoError(t, err)
	assert.Contains(t, said.String(), folder+": 1 file ignored, no images by their names\n")

	// Without val the folder beside train is taken, or else a tenth of the samples.
	for from, want := range map[string][2]int{folder: {20, 10}, filepath.Join(folder, "train"): {18, 2}, smallIDX(t, 41): {36, 5}} {
		sets, err := loadData(source{from: from, input: input, say: io.Discard}, "")
		require.NoError(t, err)
		assert.Equal(t, want, [2]int{sets.train.Len(), sets.validation.Len()}, from)
	}
	mnist, err := loadData(source{from: "mnist", say: io.Discard}, "")
	require.NoError(t, err)
	assert.Equal(t, 5000, mnist.validation.Len())

	require.NoError(t, os.Rename(filepath.Join(folder, "train"), filepath.Join(folder, "Training")))
	var say bytes.Buffer
	_, err = loadData(source{from: folder, input: input, say: &say}, "0.5")
	require.NoError(t, err)
	assert.Contains(t, say.String(), `the folder "Training" counts as a class`)
	assert.Contains(t, say.String(), `the folder "val" counts as a class`)
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
	var got struct{ Parts []dataInfo }
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

// hardFolder has two sound classes, a class with spaces and accents among them, an empty one, images of 1x1 and 700x2 pixels, a broken JPEG, and a PNG that says it has
// 20,000x20,000 pixels.
func hardFolder(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "mis fotos ñ")
	put := func(name string, content []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, content, 0o666))
	}
	encoded := func(w, h int, shade uint8) []byte {
		img := image.NewGray(image.Rect(0, 0, w, h))
		for i := range img.Pix {
			img.Pix[i] = shade
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, img))
		return b.Bytes()
	}
	for i := range 12 {
		put(fmt.Sprintf("árbol grande/%d.png", i), encoded(30, 20, 200))
		put(fmt.Sprintf("zebra/%d.png", i), encoded(20, 30, 50))
	}
	put("zebra/dot.png", encoded(1, 1, 90))
	put("árbol grande/a b/wide ü.png", encoded(700, 2, 10))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "nothing"), 0o777))
	put("zebra/broken.jpg", []byte("\xff\xd8\xff\xe0 and no more"))
	bomb := encoded(20, 20, 1)
	copy(bomb[16:], []byte{0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20}) // the header's width and height, and its checksum
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	put("zebra/bomb.png", bomb)
	return dir
}

func TestHardFolder(t *testing.T) {
	folder := hardFolder(t)
	file := filepath.Join(t.TempDir(), "sheet.png")
	code, stdout, stderr := run("data", folder, "--sheet", file)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "2 images cannot be read; remove them, or train with --skip-broken")
	for _, want := range []string{
		"mis fotos ñ: 26 images in 3 classes", "13  árbol grande\n", "0  nothing  (empty)\n", "13  zebra  (2 more cannot be read)\n", "1  1x1\n", "1  700x2\n",
		"cannot be read: zebra/bomb.png: png of 20000x20000 pixels is not supported; at most 33554432 pixels are", "cannot be read: zebra/broken.jpg: broken file: jpeg",
	} {
		assert.Contains(t, stdout, want)
	}
	picture := readPNG(t, file)
	assert.Equal(t, 3, picture.Bounds().Dy()/100, "a row of 96 pixels for each class")

	code, _, stderr = run("train", "--data", folder, "--val", "6", "--epochs", "1", "--batch", "8", "--run-dir", filepath.Join(t.TempDir(), "run ñ"))
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "2 of 28 images cannot be read")
	code, stdout, stderr = run("train", "--data", folder, "--val", "6", "--epochs", "1", "--batch", "8", "--run-dir", filepath.Join(t.TempDir(), "run ñ"), "--skip-broken")
	assert.Zero(t, code, stderr)
	assert.Contains(t, stderr, "skipped 2 broken images, 26 are left")
	assert.Contains(t, stdout, "1 epoch, 3 updates")
}

func readPNG(t *testing.T, path string) image.Image {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	picture, err := png.Decode(file)
	require.NoError(t, err)
	return picture
}

func TestSheets(t *testing.T) {
	augmentations := writeText(t, "run.yaml", "epochs: 3\naugment: [{random_flip: horizontal}, {random_rotation: 0.1}]\n")
	alone := writeText(t, "list.yaml", "- random_flip\n- {cutout: 2}\n")
	idx := smallIDX(t, 30)
	for _, c := range [][]string{
		{idx}, {idx, "--augment", augmentations}, {idx, "--augment", alone}, {"../../data/testdata/arrays.h5"}, {"../../data/testdata/other.h5:pictures,kinds", "--samples", "1"},
		{"../../data/testdata/grey.h5"}, {hardFolder(t), "--size", "40x60"},
	} {
		file := filepath.Join(t.TempDir(), "sheet.png")
		_, stdout, stderr := run(append([]string{"data", "--sheet", file}, c...)...)
		assert.Contains(t, stdout, "classes", stderr)
		assert.Greater(t, readPNG(t, file).Bounds().Dx(), 400, c)
	}
	code, stdout, stderr := run("data", "../../data/testdata/arrays.npz", "--json")
	require.Zero(t, code, stderr)
	var got struct{ Parts []dataInfo }
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Len(t, got.Parts, 2)
	assert.Equal(t, dataInfo{
		Path: "../../data/testdata/arrays.npz: train", Images: 5, Shape: []int{4, 3, 3}, Sizes: []data.SizeCount{{Width: 3, Height: 4, Images: 5}},
		Classes: []data.ClassCount{{Name: "0", Images: 2}, {Name: "1", Images: 1}, {Name: "2", Images: 2}}, Formats: map[string]int{}, Broken: []brokenInfo{},
	}, got.Parts[0])

	file := filepath.Join(t.TempDir(), "sheet.png")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--augment", alone}, 2, "name its file with --sheet"},
		{[]string{"--sheet", file, "--size", "40"}, 2, "want height and width"},
		{[]string{"--sheet", file, "--samples", "-1"}, 2, "--samples -1"},
		{[]string{"--sheet", file, "--augment", writeText(t, "none.yaml", "epochs: 3\n")}, 1, "it has no augmentations"},
		{[]string{"--sheet", file, "--augment", writeText(t, "bad.yaml", "[spin]")}, 1, `there is no augmentation "spin"`},
		{[]string{"--sheet", file, "--augment", writeText(t, "hue.yaml", "[{random_hue: 0.1}]")}, 1, "1 channels, want 3"},
		{[]string{"--sheet", filepath.Join(file, "x")}, 1, "sheet.png"},
	} {
		code, _, stderr := run(append([]string{"data", idx}, c.args...)...)
		assert.Equal(t, c.code, code, c.args)
		assert.Contains(t, stderr, c.want)
	}
}

// TestSizesOfAnArchitecture trains one with the data's number of classes, on images of another size.
func TestSizesOfAnArchitecture(t *testing.T) {
	folder, _ := smallFolder(t, "", 20)
	saved, dir := filepath.Join(t.TempDir(), "end.h5"), filepath.Join(t.TempDir(), "run")
	sizes := []string{"--classes", "12", "--image", "16"}
	code, _, stderr := run(append([]string{"train", "--data", folder, "--val", "0.5", "--steps", "1", "--run-dir", dir, "--save", saved}, sizes...)...)
	require.Zero(t, code, stderr)
	assert.Contains(t, stderr, "/train: 20 images in 10 classes, as 16x16x1\n")
	assert.Contains(t, stderr, "the data have 10 classes, mnist-cnn has 12; --classes 10 gives it as many\n")
	m, err := meseta.Load(saved)
	require.NoError(t, err)
	g, err := m.Graph()
	require.NoError(t, err)
	assert.Equal(t, layers.Shape{16, 16, 1}, g.Input())
	assert.Equal(t, layers.Shape{12}, g.OutputShape())

	// Its file goes on with the configuration of its run, behind the epochs that it has.
	second := filepath.Join(t.TempDir(), "run")
	again := []string{"train", "--config", filepath.Join(dir, "config.yaml"), "--model", saved, "--steps", "2", "--initial-epoch", "1", "--run-dir", second}
	code, _, stderr = run(again...)
	require.Zero(t, code, stderr)
	assert.Contains(t, stderr, "epoch 2/2")
	history, err := os.ReadFile(filepath.Join(second, "history.csv"))
	require.NoError(t, err)
	assert.Regexp(t, `^epoch,.*\n1,.*\n$`, string(history))
	code, _, stderr = run("train", "--model", saved, "--data", folder, "--steps", "1", "--run-dir", filepath.Join(t.TempDir(), "run"))
	require.Zero(t, code, stderr)
	assert.Contains(t, stderr, saved+" has been trained for 2 epochs; --initial-epoch 2 counts on from there\n")
	for _, other := range [][]string{{"--classes", "10"}, {"--image", "17"}} {
		code, _, stderr = run(append(again, other...)...)
		assert.Equal(t, 2, code)
		assert.Contains(t, stderr, "are for architectures by name; "+saved+" takes [16,16,1] and gives [12]")
	}
}
