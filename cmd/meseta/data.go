package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/meseta-go/meseta/data"
	"github.com/meseta-go/meseta/data/mnist"
)

// dataSets are what a run trains on, validates on, and measures at its end; the last may be nil.
type dataSets struct{ train, validation, test data.Dataset }

// loadData finds data by name or directory. validation is how many of the last training samples to hold back, a fraction of them, or a
// directory of its own; "0" is none.
func loadData(from, validation string) (dataSets, error) {
	var s dataSets
	var err error
	if from == "mnist" {
		s.train, s.test, err = mnistSets()
	} else {
		s.train, err = openIDX(from, "train")
		if err == nil {
			s.test, err = openIDX(from, "t10k")
			if errors.Is(err, os.ErrNotExist) {
				s.test, err = nil, nil // a directory need not have test images
			}
		}
	}
	if err != nil {
		return s, err
	}
	n, err := strconv.ParseFloat(validation, 64)
	if err != nil {
		s.validation, err = openIDX(validation, "t10k")
		return s, err
	}
	switch {
	case n == 0:
	case n > 0 && n < 1:
		s.train, s.validation, err = data.Split(s.train, n)
	case n >= 1 && n == float64(int(n)) && int(n) < s.train.Len():
		all, k := s.train, s.train.Len()-int(n)
		if s.train, err = data.Slice(all, 0, k); err == nil {
			s.validation, err = data.Slice(all, k, all.Len())
		}
	default:
		err = usageError{fmt.Errorf("--val %s: want a fraction below 1, or a whole number below the %d training samples", validation, s.train.Len())}
	}
	return s, err
}

func mnistSets() (train, test data.Dataset, err error) {
	trainImages, err := mnist.Train()
	if err != nil {
		return nil, nil, err
	}
	testImages, err := mnist.Test()
	return trainImages, testImages, err
}

// loadTest finds the data to measure a model on.
func loadTest(from string) (data.Dataset, error) {
	if from == "mnist" {
		return mnist.Test()
	}
	return openIDX(from, "t10k")
}

// openIDX reads PREFIX-images-idx3-ubyte and PREFIX-labels-idx1-ubyte of a directory, packed with gzip or not.
func openIDX(dir, prefix string) (data.Dataset, error) {
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
	return "", fmt.Errorf("%w (nor is there %s.gz)", err, filepath.Base(name))
}
