//go:build unix

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/meseta-go/meseta/data"
)

// batchImages is how many images each of CIFAR-10's files has.
const batchImages = 10000

// convert writes images in class folders, train and test, as CIFAR-10's binary version, so that every contender starts from the same bytes and
// none decodes while it trains. Classes follow each other: who trains shuffles.
func convert(images, dir string) error {
	train, test, err := data.OpenFolders(images, data.FolderOptions{Size: [2]int{32, 32}, Channels: 3})
	if err != nil {
		return err
	}
	if test == nil || train.Classes() != 10 || train.Len() != 5*batchImages || test.Len() != batchImages {
		return fmt.Errorf("%s is not CIFAR-10: want train and test with 50,000 and 10,000 images of 10 classes in it", images)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for i := range 6 {
		name, from, first := fmt.Sprintf("data_batch_%d.bin", i+1), train, i*batchImages
		if i == 5 {
			name, from, first = "test_batch.bin", test, 0
		}
		if err := writeBatch(filepath.Join(dir, name), from, first, batchImages); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "batches.meta.txt"), []byte(strings.Join(train.ClassNames(), "\n")+"\n"), 0o666)
}

// writeBatch writes a file of n images, from the first on: of each a byte of label, then 32×32 bytes of red, green and blue.
func writeBatch(path string, ds data.Dataset, first, n int) error {
	const plane = 32 * 32
	indices, labels := make([]int32, n), make([]int32, n)
	for i := range indices {
		indices[i] = int32(first + i)
	}
	pixels := make([]float32, n*3*plane)
	if err := ds.Read(pixels, labels, indices); err != nil {
		return err
	}
	out := make([]byte, 0, n*(1+3*plane))
	for i, label := range labels {
		out = append(out, byte(label))
		image := pixels[i*3*plane : (i+1)*3*plane]
		for c := range 3 {
			for j := range plane {
				out = append(out, byte(math.Round(255*float64(image[3*j+c]))))
			}
		}
	}
	return os.WriteFile(path, out, 0o666)
}
