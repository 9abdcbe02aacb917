package data_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/data"
)

// picture is an image of one colour and its mix with the position, so that no two are alike.
func picture(w, h int, seed uint8) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{R: seed, G: uint8(16 * x), B: uint8(16*y) + seed, A: 255})
		}
	}
	return img
}

func encodePNG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

func encodeJPEG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

// pngBomb is a PNG of a few bytes that says it has w times h pixels.
func pngBomb(w, h uint32) []byte {
	chunk := func(name string, content []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
		b = append(append(b, name...), content...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(header, 8, 2, 0, 0, 0)), chunk("IDAT", []byte{0}), chunk("IEND", nil))
}

// someFiles are images of three classes, one with spaces and accents, and one empty.
func someFiles(t testing.TB) map[string][]byte {
	files := map[string][]byte{"a cat/notes.txt": []byte("no image"), "b/.hidden.png": nil, ".git/x/y.png": nil, "empty/readme": nil}
	for i := range 40 {
		class := []string{"a cat", "b", "niño é"}[i%3]
		files[class+"/"+string(rune('a'+i%7))+"/"+string(rune('A'+i))+" ñ.png"] = encodePNG(t, picture(5, 4, uint8(i)))
	}
	files["b/last.jpg"] = encodeJPEG(t, picture(5, 4, 200))
	return files
}

// tarred packs files in no order but that of their names backwards, with a member for each folder only where asked.
func tarred(t testing.TB, files map[string][]byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "./" + name, Size: int64(len(files[name])), Mode: 0o644, Typeflag: tar.TypeReg}))
		_, err := w.Write(files[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zippedFiles(t testing.TB, files map[string][]byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write(files[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// containers writes files as a directory and as archives of each kind.
func containers(t testing.TB, files map[string][]byte) []string {
	packed := tarred(t, files)
	archives := writeFiles(t, map[string][]byte{"x.tar": packed, "x.tar.gz": zipped(t, packed), "x.tgz": zipped(t, packed), "x y.ZIP": zippedFiles(t, files)})
	paths := []string{writeFiles(t, files)}
	for _, name := range []string{"x.tar", "x.tar.gz", "x.tgz", "x y.ZIP"} {
		paths = append(paths, filepath.Join(archives, name))
	}
	return paths
}

func openFolder(t testing.TB, path string, options data.FolderOptions) *data.Folder {
	f, err := data.OpenFolder(path, options)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.Close()) })
	return f
}

// TestImagesWithoutClasses reads all images of any container, and a single one, in the order of folders and names, with OpenFolder's pixels.
func TestImagesWithoutClasses(t *testing.T) {
	files := someFiles(t)
	files["top.png"] = encodePNG(t, picture(5, 4, 99))
	for _, path := range containers(t, files) {
		f, err := data.OpenImages(path, data.FolderOptions{})
		require.NoError(t, err)
		assert.Equal(t, 42, f.Len())
		assert.Equal(t, 2, f.Ignored(), "notes.txt and readme")
		assert.Zero(t, f.Classes())
		assert.Empty(t, f.ClassNames())
		_, _, err = data.Labels(f)
		assert.ErrorContains(t, err, "no labels")
		assert.Equal(t, "top.png", f.Name(0), "the folder without a name comes first")
		classes := openFolder(t, path, data.FolderOptions{})
		byName := map[string][]float32{}
		x, label := make([]float32, 60), make([]int32, 1)
		for i := range classes.Len() {
			require.NoError(t, classes.Read(x, label, []int32{int32(i)}))
			byName[classes.Name(i)] = slices.Clone(x)
		}
		for i := 1; i < f.Len(); i++ {
			require.NoError(t, f.Read(x, nil, []int32{int32(i)}))
			assert.Equal(t, byName[f.Name(i)], x, f.Name(i))
		}
		bytes := make([]uint8, 60)
		require.NoError(t, f.ReadBytes(bytes, nil, []int32{1}))
		require.NoError(t, f.Close())
	}

	folder := writeFiles(t, files)
	f, err := data.OpenImages(filepath.Join(folder, "b", "last.jpg"), data.FolderOptions{Size: [2]int{2, 3}, Channels: 1})
	require.NoError(t, err)
	assert.Equal(t, "last.jpg", f.Name(0))
	assert.Equal(t, []int{2, 3, 1}, f.Shape())
	require.NoError(t, f.Read(make([]float32, 6), nil, []int32{0}))
	for name, want := range map[string]string{
		"nothing.png": "no such file", "empty": "there is no image in it", "empty/readme": "neither a directory nor", "b/.hidden.png": "1 of 1 images cannot be read",
	} {
		_, err = data.OpenImages(filepath.Join(folder, name), data.FolderOptions{})
		assert.ErrorContains(t, err, want, name)
	}
}

func TestFolderInAnyContainer(t *testing.T) {
	files := someFiles(t)
	for _, wrapper := range []string{"", "my data/"} {
		wrapped := map[string][]byte{}
		for name, content := range files {
			wrapped[wrapper+name] = content
		}
		var want []float32
		for _, path := range containers(t, wrapped) {
			f := openFolder(t, path, data.FolderOptions{})
			assert.Equal(t, 41, f.Len())
			assert.Equal(t, []int{4, 5, 3}, f.Shape())
			got := all(t, f)
			if want == nil {
				want = got
				// A plain file in a folder of its own is a class only of a directory: archives here list no folders.
				assert.Equal(t, []string{"a cat", "b", "empty", "niño é"}, f.ClassNames(), path)
				assert.Equal(t, []int{14, 14, 0, 13}, f.Counts())
				assert.Equal(t, wrapper+"a cat/a/A ñ.png", f.Name(0))
				assert.Equal(t, 4, f.Classes())
			}
			assert.Equal(t, want, got, path)
			assert.Equal(t, []float32{0, 0, 0}, got[:3], "picture 0")
		}
	}
}

func TestFolderIsTheSameForAnyWorkers(t *testing.T) {
	var want []data.Batch
	for _, path := range containers(t, someFiles(t)) {
		for _, cache := range []int64{0, 1 << 20, 41*60 - 1} {
			for _, workers := range []int{0, 1, 2, 5} {
				f := openFolder(t, path, data.FolderOptions{CacheBytes: cache, ClassNames: []string{"a cat", "b", "empty", "niño é"}})
				part, _, err := data.HoldOut(f, 8, 1)
				require.NoError(t, err)
				l, err := data.NewLoader(part, data.LoaderOptions{BatchSize: 4, Shuffle: true, Seed: 9, Workers: workers})
				require.NoError(t, err)
				for range 2 { // the second time from the cache, where there is one
					got := epoch(t, l, 1, 0)
					if want == nil {
						want = got
					}
					require.Equal(t, want, got, "%s, %d workers, cache of %d", path, workers, cache)
				}
			}
		}
	}
}

func TestFolderTwoEpochsAtOnce(t *testing.T) {
	f := openFolder(t, writeFiles(t, someFiles(t)), data.FolderOptions{CacheBytes: 1 << 20})
	l, err := data.NewLoader(f, data.LoaderOptions{BatchSize: 3, Workers: 4})
	require.NoError(t, err)
	a, err := l.Epoch(context.Background(), 0, 0)
	require.NoError(t, err)
	defer a.Close()
	b, err := l.Epoch(context.Background(), 0, 0)
	require.NoError(t, err)
	defer b.Close()
	for {
		x, err := a.Next()
		y, other := b.Next()
		require.Equal(t, err, other)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		assert.Equal(t, x.X, y.X)
	}
}

// TestFolderIsAsKeras compares with what Keras's image_dataset_from_directory reads; see testdata/make_folder.py.
func TestFolderIsAsKeras(t *testing.T) {
	arrays, err := data.LoadNPZ("testdata/folder.npz")
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/folder.json")
	require.NoError(t, err)
	var golden struct {
		ClassNames []string `json:"class_names"`
		Files      []string
	}
	require.NoError(t, json.Unmarshal(text, &golden))
	exact, err := data.FromTensors(arrays["jpeg"], nil)
	require.NoError(t, err)
	for name, options := range map[string]data.FolderOptions{
		"same":   {},
		"larger": {Size: [2]int{11, 20}},
		"grey":   {Channels: 1},
	} {
		f := openFolder(t, "testdata/folder.zip", options)
		assert.Equal(t, golden.ClassNames, f.ClassNames())
		require.Equal(t, len(golden.Files), f.Len())
		want, err := data.FromTensors(arrays[name], nil)
		require.NoError(t, err)
		require.Equal(t, want.Shape(), f.Shape())
		compared, jpegs := int32(0), int32(0)
		for i := range golden.Files {
			require.Equal(t, golden.Files[i], f.Name(i))
			got, label := read(t, f, int32(i))
			assert.EqualValues(t, arrays["labels"].Data().([]int64)[i], label[0])
			if name == "grey" && label[0] == 1 {
				continue // GIF and BMP, of which TensorFlow makes no grey
			}
			values, _ := read(t, want, compared)
			compared++
			tolerance := 0.01 // the same byte
			switch isJPEG := strings.Contains(f.Name(i), ".jp"); {
			case isJPEG && name == "same":
				values, _ = read(t, exact, jpegs)
				jpegs++
				tolerance = 2.01 // roundings of the inverse transform, and of the colours
			case isJPEG:
				tolerance = 9.01 // TensorFlow's default transform is rough: up to 8 from its own exact one
			case name != "same":
				tolerance = 1.01 // ours are rounded to bytes, libpng's weights of luma differ a little
			}
			for j := range got {
				require.InDelta(t, values[j], got[j]*255, tolerance, "%s of %s, number %d", name, f.Name(i), j)
			}
		}
		assert.EqualValues(t, want.Len(), compared)
	}
}

func TestFolderWebP(t *testing.T) {
	for _, file := range []string{"lossless.webp", "lossy.webp"} {
		content, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		folder := writeFiles(t, map[string][]byte{"a/x.webp": content, "b/y.png": encodePNG(t, picture(8, 6, 9))})
		f := openFolder(t, folder, data.FolderOptions{})
		got, _ := read(t, f, 0)
		want, _ := read(t, f, 1)
		tolerance := 0.
		if file == "lossy.webp" {
			tolerance = 0.15 // colours at half the resolution
		}
		for i := range want {
			require.InDelta(t, want[i], got[i], tolerance, "%s, number %d", file, i)
		}
	}
}

func TestFolderSizes(t *testing.T) {
	folder := writeFiles(t, map[string][]byte{
		"a/one.png": encodePNG(t, picture(1, 1, 50)), "a/two.png": encodePNG(t, picture(7, 3, 50)), "b/three.jpg": encodeJPEG(t, picture(640, 480, 50)),
	})
	_, err := data.OpenFolder(folder, data.FolderOptions{})
	assert.ErrorContains(t, err, "two.png is 7x3 pixels, others are 1x1")
	assert.ErrorContains(t, err, "give Size")
	f := openFolder(t, folder, data.FolderOptions{Size: [2]int{4, 5}})
	x, _ := read(t, f, 0, 1, 2)
	assert.Len(t, x, 3*4*5*3)
	for i := range 4 * 5 {
		require.Equal(t, []float32{50. / 255, 0, 50. / 255}, x[3*i:3*i+3], "1x1 becomes one colour")
	}
	for _, options := range []data.FolderOptions{
		{Size: [2]int{4, 0}}, {Size: [2]int{-1, 4}}, {Size: [2]int{4, 1 << 20}}, {Channels: 4}, {MaxPixels: -1}, {CacheBytes: -1},
		{ClassNames: []string{"a", "a"}}, {ClassNames: []string{"a", "c"}},
	} {
		_, err := data.OpenFolder(folder, options)
		assert.Error(t, err)
	}
}

func TestFolderBroken(t *testing.T) {
	files := someFiles(t)
	whole := encodeJPEG(t, picture(5, 4, 1))
	files["b/cut.jpg"] = whole[:len(whole)-20]
	files["b/empty.png"] = nil
	files["niño é/text.jpg"] = []byte("<html>not found</html>")
	files["a cat/bomb.png"] = pngBomb(20000, 20000)
	files["a cat/0 bomb.png"] = pngBomb(1<<31-1, 1<<31-1)
	for _, path := range containers(t, files) {
		_, err := data.OpenFolder(path, data.FolderOptions{})
		assert.ErrorContains(t, err, "4 of 46 images cannot be read", "headers tell of all but one")
		assert.ErrorContains(t, err, "0 bomb.png")
		assert.ErrorContains(t, err, "20000x20000 pixels is not supported")

		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, cache := range []int64{0, 1 << 20} {
			f := openFolder(t, path, data.FolderOptions{SkipBroken: true, CacheBytes: cache})
			assert.Equal(t, 41, f.Len())
			var names []string
			for _, b := range f.Broken() {
				names = append(names, filepath.Base(b.Name))
				assert.Error(t, b.Err)
			}
			assert.ElementsMatch(t, []string{"0 bomb.png", "bomb.png", "cut.jpg", "empty.png", "text.jpg"}, names)
			assert.Equal(t, all(t, openFolder(t, writeFiles(t, someFiles(t)), data.FolderOptions{})), all(t, f))
		}
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20), "a bomb of 1.2 GB never got memory")
	}
}

func TestFolderReadSaysWhichFileIsBroken(t *testing.T) {
	files := someFiles(t)
	whole := encodePNG(t, picture(5, 4, 1))
	files["b/cut.png"] = whole[:len(whole)-20]
	folder := writeFiles(t, files)
	f := openFolder(t, folder, data.FolderOptions{})
	l, err := data.NewLoader(f, data.LoaderOptions{BatchSize: 50})
	require.NoError(t, err)
	it, err := l.Epoch(context.Background(), 0, 0)
	require.NoError(t, err)
	defer it.Close()
	_, err = it.Next()
	assert.ErrorIs(t, err, data.ErrBroken)
	assert.ErrorContains(t, err, filepath.ToSlash(folder)+"/b/cut.png")

	// One that is changed, or gone, after it was listed.
	name := filepath.Join(folder, filepath.FromSlash(f.Name(0)))
	require.NoError(t, os.WriteFile(name, encodePNG(t, picture(9, 9, 1)), 0o644))
	x, y := make([]float32, 60), make([]int32, 1)
	assert.ErrorIs(t, f.Read(x, y, []int32{0}), data.ErrBroken)
	require.NoError(t, os.Remove(name))
	assert.ErrorIs(t, f.Read(x, y, []int32{0}), os.ErrNotExist)
}

func TestOpenFolders(t *testing.T) {
	files := map[string][]byte{}
	for name, content := range someFiles(t) {
		files["set/train/"+name] = content
	}
	files["set/test/b/x.png"] = encodePNG(t, picture(5, 4, 77))
	for _, path := range containers(t, files) {
		train, test, err := data.OpenFolders(path, data.FolderOptions{})
		require.NoError(t, err)
		assert.Equal(t, 41, train.Len())
		assert.Equal(t, train.ClassNames(), test.ClassNames(), "of train, also where test has one only")
		x, labels := read(t, test, 0)
		assert.Equal(t, int32(1), labels[0])
		assert.Equal(t, float32(77)/255, x[0])
		require.NoError(t, test.Close())
	}
	files["set/test/other/x.png"] = files["set/test/b/x.png"]
	_, _, err := data.OpenFolders(writeFiles(t, files), data.FolderOptions{})
	assert.ErrorContains(t, err, `folder "set/test/other", which is none of the 4 classes`)
	delete(files, "set/test/other/x.png")
	files["set/test/b/y.png"] = encodePNG(t, picture(4, 4, 77))
	_, _, err = data.OpenFolders(writeFiles(t, files), data.FolderOptions{})
	assert.ErrorContains(t, err, "y.png is 4x4 pixels, others are 5x4")

	train, test, err := data.OpenFolders(writeFiles(t, someFiles(t)), data.FolderOptions{})
	require.NoError(t, err)
	assert.Nil(t, test)
	assert.Equal(t, 41, train.Len())
}

func TestOpenFolderRefuses(t *testing.T) {
	packed := tarred(t, someFiles(t))
	var links bytes.Buffer
	w := tar.NewWriter(&links)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "a/x.png", Linkname: "b/y.png", Typeflag: tar.TypeLink}))
	require.NoError(t, w.Close())
	twice := slices.Concat(packed[:len(packed)-1024], packed)
	checksum := zipped(t, packed)
	checksum[len(checksum)-6] ^= 1
	folder := writeFiles(t, map[string][]byte{
		"cut.tar": packed[:len(packed)/2], "text.tar": []byte(strings.Repeat("hello", 200)), "links.tar": links.Bytes(), "twice.tar": twice,
		"cut.tgz": zipped(t, packed)[:2000], "text.tgz": []byte("hello"), "sum.tar.gz": checksum, "text.zip": []byte("hello"), "x.rar": nil,
		"none/a/readme.txt": nil, "flat/x.png": encodePNG(t, picture(1, 1, 1)),
	})
	for name, want := range map[string]string{
		"cut.tar": "EOF", "text.tar": "tar", "links.tar": "link", "twice.tar": "twice", "cut.tgz": "EOF", "text.tgz": "gzip", "sum.tar.gz": "checksum",
		"text.zip": "zip", "x.rar": "neither a directory nor", "none": "no image in them", "flat": "0 folders", "missing": "no such file",
	} {
		_, err := data.OpenFolder(filepath.Join(folder, name), data.FolderOptions{})
		assert.ErrorContains(t, err, want, name)
		assert.ErrorContains(t, err, name)
	}
	_, err := data.OpenFolder(filepath.Join(writeFiles(t, map[string][]byte{"x.tgz": zipped(t, packed)}), "x.tgz"), data.FolderOptions{PackedBytes: 5000})
	assert.ErrorContains(t, err, "exceed 5000 bytes")
}

func TestInspectFolder(t *testing.T) {
	files := map[string][]byte{"test/b/only.png": encodePNG(t, picture(1, 1, 3)), "readme.md": nil}
	for name, content := range someFiles(t) {
		files["train/"+name] = content
	}
	files["train/b/bomb.png"] = pngBomb(20000, 20000)
	reports, err := data.InspectFolder(writeFiles(t, files), data.FolderOptions{})
	require.NoError(t, err)
	require.Len(t, reports, 2)
	train := reports[0]
	assert.Equal(t, []data.ClassCount{{Name: "a cat", Images: 14}, {Name: "b", Images: 14, Broken: 1}, {Name: "empty"}, {Name: "niño é", Images: 13}}, train.Classes)
	assert.Equal(t, []data.SizeCount{{Width: 5, Height: 4, Images: 41}}, train.Sizes)
	assert.Equal(t, map[string]int{"png": 40, "jpeg": 1}, train.Formats)
	assert.Equal(t, "train/b/bomb.png", train.Broken[0].Name)
	assert.Equal(t, 3, train.Ignored)
	assert.Equal(t, []data.SizeCount{{Width: 1, Height: 1, Images: 1}}, reports[1].Sizes)
}

// TestFolderCIFAR10 reads the 60,000 real JPEGs of CIFAR-10 from where MESETA_CIFAR10 says they are, and is skipped without it.
func TestFolderCIFAR10(t *testing.T) {
	path := os.Getenv("MESETA_CIFAR10")
	if path == "" {
		t.Skip("MESETA_CIFAR10 names no folder or archive with train/CLASS/*.jpg and test/CLASS/*.jpg of CIFAR-10")
	}
	train, test, err := data.OpenFolders(path, data.FolderOptions{CacheBytes: 1 << 30})
	require.NoError(t, err)
	assert.Equal(t, []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}, train.ClassNames())
	assert.Equal(t, []int{32, 32, 3}, train.Shape())
	assert.Equal(t, slices.Repeat([]int{5000}, 10), train.Counts())
	assert.Equal(t, slices.Repeat([]int{1000}, 10), test.Counts())
	if testing.Short() {
		return
	}
	sums := [3]float64{}
	l, err := data.NewLoader(train, data.LoaderOptions{BatchSize: 128, Shuffle: true})
	require.NoError(t, err)
	it, err := l.Epoch(context.Background(), 0, 0)
	require.NoError(t, err)
	defer it.Close()
	for {
		b, err := it.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		for i, v := range b.X {
			sums[i%3] += float64(v)
		}
	}
	// The means of the training images that everybody uses, to the rounding of JPEG.
	for c, want := range []float64{0.4914, 0.4822, 0.4465} {
		assert.InDelta(t, want, sums[c]/(50000*1024), 0.002)
	}
}

// FuzzFolderImage wants no panic and little memory for whatever lies in an image file.
func FuzzFolderImage(f *testing.F) {
	archive, err := zip.OpenReader("testdata/folder.zip")
	require.NoError(f, err)
	defer archive.Close()
	for _, file := range archive.File {
		r, err := file.Open()
		require.NoError(f, err)
		content, err := io.ReadAll(r)
		require.NoError(f, err)
		f.Add(content)
	}
	for _, name := range []string{"lossless.webp", "lossy.webp"} {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(content)
	}
	f.Add(pngBomb(20000, 20000))
	f.Fuzz(func(t *testing.T, content []byte) {
		folder := filepath.Join(t.TempDir(), "a")
		require.NoError(t, os.Mkdir(folder, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "x.png"), content, 0o644))
		ds, err := data.OpenFolder(filepath.Dir(folder), data.FolderOptions{MaxPixels: 1 << 16, Size: [2]int{3, 4}})
		if err != nil {
			return
		}
		require.Equal(t, 1, ds.Len())
		x := make([]float32, 3*4*3)
		if ds.Read(x, make([]int32, 1), []int32{0}) == nil {
			for _, v := range x {
				require.True(t, v >= 0 && v <= 1)
			}
		}
	})
}

// FuzzFolderArchive wants no panic for whatever lies in an archive, and that what it opens can be read or says why not.
func FuzzFolderArchive(f *testing.F) {
	files := map[string][]byte{"a/x.png": encodePNG(f, picture(2, 2, 1)), "b é/y.png": encodePNG(f, picture(2, 2, 2)), "b é/no.txt": []byte("no")}
	packed := tarred(f, files)
	f.Add(packed, uint8(0))
	f.Add(zipped(f, packed), uint8(1))
	f.Add(zippedFiles(f, files), uint8(2))
	f.Fuzz(func(t *testing.T, content []byte, kind uint8) {
		path := filepath.Join(t.TempDir(), "x"+[]string{".tar", ".tgz", ".zip"}[kind%3])
		require.NoError(t, os.WriteFile(path, content, 0o644))
		for _, skip := range []bool{false, true} {
			ds, err := data.OpenFolder(path, data.FolderOptions{MaxPixels: 1 << 16, Size: [2]int{3, 4}, SkipBroken: skip, PackedBytes: 1 << 20})
			if err != nil {
				continue
			}
			for i := range ds.Len() {
				err := ds.Read(make([]float32, 3*4*3), make([]int32, 1), []int32{int32(i)})
				require.False(t, skip && err != nil, "it was decoded once: %v", err)
			}
			require.NoError(t, ds.Close())
		}
	})
}

func BenchmarkFolder(b *testing.B) {
	path := os.Getenv("MESETA_CIFAR10")
	if path == "" {
		b.Skip("MESETA_CIFAR10 names no folder or archive of CIFAR-10")
	}
	for name, cache := range map[string]int64{"decoded": 0, "cached": 1 << 30} {
		b.Run(name, func(b *testing.B) {
			_, test, err := data.OpenFolders(path, data.FolderOptions{CacheBytes: cache})
			require.NoError(b, err)
			x, labels, indices := make([]float32, 128*3072), make([]int32, 128), make([]int32, 128)
			for i := range indices {
				indices[i] = int32(i * 70)
			}
			require.NoError(b, test.Read(x, labels, indices))
			for b.Loop() {
				if err := test.Read(x, labels, indices); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(128*b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
