package data

import "fmt"

// Labels gives the labels of all samples of ds, and what they are called where the data says; names is nil where it does not.
//
// Of data sets of this package it reads no sample. It returns an error for a data set without labels.
func Labels(ds Dataset) (labels []int32, names []string, err error) {
	if ds.Classes() == 0 {
		return nil, nil, fmt.Errorf("data: the data set has no labels")
	}
	labels = make([]int32, ds.Len())
	switch ds := ds.(type) {
	case *Images:
		for i, label := range ds.Labels {
			labels[i] = int32(label)
		}
	case *Folder:
		for i, file := range ds.files {
			labels[i] = file.label
		}
		names = ds.ClassNames()
	case *unscaled:
		return Labels(ds.Dataset)
	case interface{ allLabels() []int32 }:
		copy(labels, ds.allLabels())
	case *section:
		all, known, err := Labels(ds.Dataset)
		if err != nil {
			return nil, nil, err
		}
		copy(labels, all[ds.from:])
		names = known
	case *selection:
		all, known, err := Labels(ds.Dataset)
		if err != nil {
			return nil, nil, err
		}
		for i, index := range ds.indices {
			labels[i] = all[index]
		}
		names = known
	case *targeted:
		return Labels(ds.Dataset)
	case *weighted:
		return Labels(ds.Dataset)
	default:
		x := make([]float32, SampleSize(ds))
		for i := range labels {
			if err := ds.Read(x, labels[i:i+1], []int32{int32(i)}); err != nil {
				return nil, nil, err
			}
		}
	}
	return labels, names, nil
}

func (d *array[T]) allLabels() []int32 { return d.labels }
