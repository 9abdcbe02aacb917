package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/mnist"
	"github.com/meseta-go/meseta/layers"
)

// dataSets are what a run trains on, validates on, and measures at its end; the last may be nil.
type dataSets struct{ train, validation, test data.Dataset }

// cacheBytes is how much memory decoded images may take, where all of them fit.
const cacheBytes = 1 << 30

// dataKinds is what flags say of directories and archives.
const dataKinds = "a directory with IDX files or CIFAR's binary ones, or a directory or archive (.tar, .tar.gz, .zip) of class folders with images, or of train/ and test/ with such; or a .npz or .h5 file of arrays, FILE:x,y where these have unusual names"

// source says where data come from and for what model.
type source struct {
	from       string // mnist, a directory with IDX or CIFAR's binary files, a folder or archive of class folders, or a file of arrays
	input      layers.Shape
	seed       uint64 // of which samples are held back
	skipBroken bool
	bytes      bool      // images have values from 0 to 255, see takesBytes
	say        io.Writer // for messages
}

// sourceFor is a source for a network.
func sourceFor(g *layers.Graph, from string, seed uint64, skipBroken bool, say io.Writer) source {
	return source{from: from, input: g.Input(), seed: seed, skipBroken: skipBroken, bytes: takesBytes(g), say: say}
}

// scaled gives images the values that the network takes.
func (s source) scaled(ds data.Dataset) data.Dataset {
	if ds == nil || !s.bytes {
		return ds
	}
	return data.Unscaled(ds)
}

// loadData finds data by name, directory or archive. validation is how many of the training samples to hold back, a fraction of them, or a
// directory of its own; "0" is none, and "" is the folder that lies beside that of class folders for training, or else a tenth of the samples, at most 5,000.
// The last ones are held back, or of class folders and files of arrays, where the last may all be of one class, a random part.
func loadData(s source, validation string) (sets dataSets, err error) {
	if sets, err = s.open(); err != nil {
		return sets, err
	}
	defer func() { sets = dataSets{s.scaled(sets.train), s.scaled(sets.validation), s.scaled(sets.test)} }()
	all := sets.train
	_, isFolder := all.(*data.Folder)
	if own := ownValidation(s.from); own != "" && isFolder {
		if validation == "" {
			validation = own
		} else if filepath.Clean(validation) != own {
			fmt.Fprintf(s.say, "%s is not used\n", own)
		}
	}
	if validation == "" {
		validation = strconv.Itoa(min((all.Len()+9)/10, 5000))
	}
	n, err := strconv.ParseFloat(validation, 64)
	if strings.HasSuffix(validation, "%") || n >= 1 && strings.Contains(validation, ".") {
		return sets, usageError{fmt.Errorf("--val %s: a part of the training samples is written as a fraction below 1, as 0.1 for a tenth", validation)}
	}
	if err != nil {
		sets.validation, err = s.openValidation(validation, all)
		return sets, err
	}
	count := n
	if n < 1 {
		// As data.Split, and Keras.
		count = float64(all.Len()) - math.Floor(float64(all.Len())*(1-n))
	}
	switch {
	case n == 0:
	case !(n > 0) || count != math.Trunc(count) || count < 1 || count >= float64(all.Len()):
		err = usageError{fmt.Errorf("--val %s: want a fraction below 1, as 0.1, a whole number below the %d training samples, 0 for none, or a directory",
			validation, all.Len())}
	case isFolder || isArrays(s.from):
		sets.train, sets.validation, err = data.HoldOut(all, int(count), s.seed)
	default:
		k := all.Len() - int(count)
		if sets.train, err = data.Slice(all, 0, k); err == nil {
			sets.validation, err = data.Slice(all, k, all.Len())
		}
	}
	return sets, err
}

// ownValidation is a directory of validation data that lies beside train/ where training data come from, or "".
func ownValidation(from string) string {
	for _, name := range []string{"val", "valid", "validation"} {
		if exists(from, "train") && exists(from, name) {
			return filepath.Join(from, name)
		}
	}
	return ""
}

// open reads training and test data; the latter may be nil.
func (s source) open() (sets dataSets, err error) {
	switch {
	case s.from == "mnist":
		sets.train, sets.test, err = mnistSets()
	case exists(s.from, "data_batch_1.bin"):
		sets, err = both(data.OpenCIFAR10(s.from))
	case exists(s.from, "train.bin"):
		sets, err = both(data.OpenCIFAR100(s.from))
	case holdsClasses(s.from):
		return s.openFolders()
	case isArrays(s.from):
		sets.train, sets.test, err = s.openArrays(s.from)
	default:
		if sets.train, err = openIDX(s.from, "train"); err != nil {
			break
		}
		sets.test, err = openIDX(s.from, "t10k")
		if errors.Is(err, os.ErrNotExist) {
			sets.test, err = nil, nil // a directory need not have test images
		}
	}
	return sets, err
}

func both(train, test *data.Images, err error) (dataSets, error) {
	if err != nil {
		return dataSets{}, err
	}
	return dataSets{train: train, test: test}, nil
}

// openFolders reads class folders, resized to what the model wants.
func (s source) openFolders() (sets dataSets, err error) {
	options, err := s.folderOptions()
	if err != nil {
		return sets, err
	}
	train, test, err := data.OpenFolders(s.from, options)
	if err != nil {
		return sets, err
	}
	sets.train = train
	if n := train.Ignored(); n > 0 {
		fmt.Fprintf(s.say, "%s: %s ignored, no images by their names\n", s.from, count(n, "file"))
	}
	if test == nil {
		s.report(train, s.from)
		return sets, nil
	}
	s.report(train, s.from+"/train")
	s.report(test, s.from+"/test")
	sets.test = test
	return sets, nil
}

func (s source) folderOptions() (data.FolderOptions, error) {
	if len(s.input) != 3 {
		return data.FolderOptions{}, fmt.Errorf("--data %s: it holds images, the model wants samples of shape %v", s.from, s.input)
	}
	return data.FolderOptions{
		Size: [2]int{s.input[0], s.input[1]}, Channels: s.input[2], SkipBroken: s.skipBroken, CacheBytes: cacheBytes,
	}, nil
}

// report says what was found, and which images were skipped.
func (s source) report(f *data.Folder, from string) {
	shape := f.Shape()
	fmt.Fprintf(s.say, "%s: %d images in %d classes, as %dx%dx%d\n", from, f.Len(), f.Classes(), shape[1], shape[0], shape[2])
	sayBroken(s.say, f)
	counts := f.Counts()
	for i, name := range f.ClassNames() {
		switch {
		case counts[i] == 0:
			fmt.Fprintf(s.say, "class %q has no images\n", name)
		case slices.Contains(partNames, strings.ToLower(name)):
			fmt.Fprintf(s.say, "the folder %q counts as a class; parts of the data are told by folders train and test, validation data by --val DIRECTORY\n", name)
		}
	}
}

// sayBroken says which images were skipped.
func sayBroken(say io.Writer, f *data.Folder) {
	broken := f.Broken()
	for _, b := range broken[:min(3, len(broken))] {
		fmt.Fprintf(say, "skipped: %s: %v\n", b.Name, b.Err)
	}
	if len(broken) > 0 {
		fmt.Fprintf(say, "skipped %d broken images, %d are left\n", len(broken), f.Len())
	}
}

// partNames are folders that seldom are classes.
var partNames = []string{"train", "training", "val", "valid", "validation", "test", "testing"}

// openValidation reads validation data of a directory or archive of its own, with the classes of train.
func (s source) openValidation(from string, train data.Dataset) (data.Dataset, error) {
	if isArrays(from) {
		ds, _, err := s.openArrays(from)
		return ds, err
	}
	if !holdsClasses(from) {
		return openIDX(from, "t10k")
	}
	options, err := s.folderOptions()
	if err != nil {
		return nil, err
	}
	if folder, ok := train.(*data.Folder); ok {
		options.ClassNames = folder.ClassNames()
	}
	f, err := data.OpenFolder(from, options)
	if err != nil {
		return nil, err
	}
	s.report(f, from)
	return f, nil
}

// holdsClasses says whether a path is an archive, or a directory with folders in it that may be classes.
func holdsClasses(from string) bool {
	entries, err := os.ReadDir(from)
	if err != nil {
		return data.IsArchive(from)
	}
	folders := false
	for _, e := range entries {
		if strings.HasSuffix(strings.TrimSuffix(e.Name(), ".gz"), "-ubyte") {
			return false
		}
		folders = folders || e.IsDir() && e.Name()[0] != '.'
	}
	return folders
}

// splitArrays parts FILE:x,y, where the names may be left out.
func splitArrays(from string) (file string, names []string) {
	if i := strings.LastIndexByte(from, ':'); i > 0 && data.IsArrays(from[:i]) {
		return from[:i], strings.Split(from[i+1:], ",")
	}
	return from, nil
}

func isArrays(from string) bool {
	file, _ := splitArrays(from)
	return data.IsArrays(file)
}

// openArrays reads a file of arrays, as images unless the model wants something else.
func (s source) openArrays(from string) (train, test data.Dataset, err error) {
	file, names := splitArrays(from)
	return data.OpenArrays(file, data.ArraysOptions{Names: names, AddChannel: len(s.input) == 0 || len(s.input) == 3})
}

// exists says whether a directory has a file of this name.
func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func mnistSets() (train, test data.Dataset, err error) {
	trainImages, err := mnist.Train()
	if err != nil {
		return nil, nil, err
	}
	testImages, err := mnist.Test()
	return trainImages, testImages, err
}

// loadTest finds the data to measure a model on: the test part, or of class folders and arrays without one, all.
func loadTest(s source) (test data.Dataset, err error) {
	defer func() { test = s.scaled(test) }()
	switch {
	case s.from == "mnist":
		return mnist.Test()
	case !exists(s.from, "data_batch_1.bin") && !exists(s.from, "train.bin") && !holdsClasses(s.from) && !isArrays(s.from):
		return openIDX(s.from, "t10k")
	}
	sets, err := s.open()
	if err != nil || sets.test != nil {
		return sets.test, err
	}
	return sets.train, nil
}

// openIDX reads PREFIX-images-idx3-ubyte and PREFIX-labels-idx1-ubyte of a directory, packed with gzip or not.
func openIDX(dir, prefix string) (data.Dataset, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("data %q is not the word mnist, and as a path: %w", dir, err)
	}
	images, err := packedOrNot(filepath.Join(dir, prefix+"-images-idx3-ubyte"))
	if err != nil {
		return nil, err
	}
	labels, err := packedOrNot(filepath.Join(dir, prefix+"-labels-idx1-ubyte"))
	if err != nil {
		return nil, err
	}
	return data.OpenIDX(images, labels)
}

// packedOrNot gives the name under which a file is there: its own or with .gz.
func packedOrNot(name string) (string, error) {
	_, err := os.Stat(name)
	if err == nil {
		return name, nil
	}
	if _, packed := os.Stat(name + ".gz"); packed == nil {
		return name + ".gz", nil
	}
	return "", fmt.Errorf("%s holds neither CIFAR's files nor class folders, and as IDX files: %w (nor is there %s.gz)%s", filepath.Dir(name), err, filepath.Base(name), likelyData(filepath.Dir(name)))
}

// likelyData ends the message that something is no data with what to do, where that can be guessed.
func likelyData(from string) string {
	entries, err := os.ReadDir(from)
	switch {
	case err != nil:
		return "; of single files, archives (.tar, .tar.gz, .zip) of class folders and files of arrays (.npz, .h5) are data"
	case slices.ContainsFunc(entries, func(e os.DirEntry) bool { return data.IsImage(e.Name()) }):
		return "; it holds images: put those of each class into a folder of its own"
	}
	return ""
}
