package data

// Balanced gives each class a weight such that all classes count alike, whatever the number of their samples: N/(classes·samples of the class), where
// classes without samples do not count. The average weight of a sample is 1. It returns an error for a data set without labels.
//
// Source: scikit-learn's class_weight="balanced", after King and Zeng, Political Analysis 9 (2001), 137-163.
func Balanced(ds Dataset) (map[int]float64, error) {
	labels, _, err := Labels(ds)
	if err != nil {
		return nil, err
	}
	weights := map[int]float64{}
	for _, label := range labels {
		weights[int(label)]++
	}
	for class, count := range weights {
		weights[class] = float64(len(labels)) / (float64(len(weights)) * count)
	}
	return weights, nil
}
