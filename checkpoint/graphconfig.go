package checkpoint

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/meseta-go/meseta/hdf5"
	"github.com/meseta-go/meseta/layers"
)

// MarshalConfig gives the configuration of g as Keras's model.to_json() does;
// keras.models.model_from_json reads it.
func MarshalConfig(g *layers.Graph) ([]byte, error) {
	c, err := graphConfig(g, true)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return encodeJSON(c)
}

// UnmarshalConfig builds the network of a configuration that Keras's
// model.to_json() gave. The error names a layer's class that is unknown here.
func UnmarshalConfig(b []byte) (*layers.Graph, error) {
	g, err := readGraph(b)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return g, nil
}

// graphConfig is the configuration of g; with modules as a .keras wants it, or
// without as a model.h5 has it.
func graphConfig(g *layers.Graph, modules bool) (map[string]any, error) {
	var list []any
	for _, l := range g.Layers {
		values, err := layerConfig(l)
		if err != nil {
			return nil, err
		}
		entry := map[string]any{"class_name": l.ClassName(), "config": values}
		if modules {
			entry["module"], entry["registered_name"] = "keras.layers", nil
		}
		if !g.Sequential {
			entry["name"] = l.Name
			entry["inbound_nodes"] = inboundNodes(g, l)
		}
		list = append(list, entry)
	}
	values := map[string]any{"name": g.Name, "trainable": true, "layers": list}
	class, module, registered := "Sequential", "keras", any(nil)
	if g.Sequential {
		values["build_input_shape"] = withBatch(g.Input())
		values["dtype"] = keras("DTypePolicy", "keras", map[string]any{"name": "float32"})
	} else {
		class, module, registered = "Functional", "keras.src.models.functional", "Functional"
		values["input_layers"] = []any{g.Layers[0].Name, 0, 0}
		values["output_layers"] = []any{g.Layers[g.Output].Name, 0, 0}
	}
	config := map[string]any{"class_name": class, "config": values}
	if modules {
		config["module"], config["registered_name"] = module, registered
		config["build_config"] = map[string]any{"input_shape": withBatch(g.Input())}
	}
	return config, nil
}

// inboundNodes says in Keras 3's words what l reads.
func inboundNodes(g *layers.Graph, l layers.Placed) []any {
	if len(l.Inputs) == 0 {
		return []any{}
	}
	var tensors []any
	for _, i := range l.Inputs {
		tensors = append(tensors, map[string]any{"class_name": "__keras_tensor__", "config": map[string]any{
			"shape": withBatch(g.Layers[i].Output), "dtype": "float32", "keras_history": []any{g.Layers[i].Name, 0, 0},
		}})
	}
	args := tensors
	if codecs[l.ClassName()].list {
		args = []any{tensors}
	}
	return []any{map[string]any{"args": args, "kwargs": map[string]any{}}}
}

// readGraph builds the network of a configuration of Keras 3 or 2.
func readGraph(b []byte) (*layers.Graph, error) {
	var v struct {
		Class  string `json:"class_name"`
		Config any    `json:"config"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, hdf5.FormatError("model configuration: " + err.Error())
	}
	switch v.Class {
	case "Sequential":
		return readSequential(v.Config)
	case "Functional", "Model": // Model: before Keras 2.3
		return readFunctional(v.Config)
	}
	return nil, fmt.Errorf("the model is of class %q, which is not supported (Sequential and Functional are)", v.Class)
}

// entry is a layer in the configuration of a model.
type entry struct {
	Class   string `json:"class_name"`
	Module  string `json:"module"`
	Config  any    `json:"config"`
	Name    string `json:"name"`
	Inbound []any  `json:"inbound_nodes"`
}

// layer builds what the entry describes.
func (e entry) layer() (layers.Layer, error) {
	if strings.HasPrefix(e.Module, "keras.src.ops.") { // an expression such as x + 3
		return nil, fmt.Errorf("layer %s is an operation, %s of %s, which is not supported; only layers are", e.Name, e.Class, e.Module)
	}
	return readLayerConfig(e.Class, e.Config)
}

// readEntries reads the list of layers.
func readEntries(v any) ([]entry, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var list []entry
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, hdf5.FormatError("layers of the model configuration: " + err.Error())
	}
	return list, nil
}

func readSequential(v any) (*layers.Graph, error) {
	if list, ok := v.([]any); ok { // before Keras 2.2.3
		v = map[string]any{"layers": list}
	}
	c := newConfig("the model", v)
	name := c.text("name", "sequential")
	entries, err := readEntries(c.take("layers"))
	if err != nil {
		return nil, err
	}
	var input any = c.take("build_input_shape")
	if !c.flag("trainable", true) {
		c.fail("is frozen (trainable false), which is not supported")
	}
	c.policy()
	if err := c.end(); err != nil {
		return nil, err
	}
	var list []layers.Layer
	for i, e := range entries {
		l, err := e.layer()
		if err != nil {
			return nil, err
		}
		if _, isInput := l.(*layers.InputLayer); i == 0 && !isInput {
			// The shape is the first layer's (Keras 2), or that of the first data.
			if first, ok := e.Config.(map[string]any); ok && first["batch_input_shape"] != nil {
				input = first["batch_input_shape"]
			}
			shape, err := batchShape(input)
			if err != nil {
				return nil, fmt.Errorf("the model has input shape %w", err)
			}
			list = append(list, &layers.InputLayer{Shape: shape})
		}
		list = append(list, l)
	}
	g, err := layers.Sequential(name, list...)
	return checkAxes(g, entries, err)
}

func readFunctional(v any) (*layers.Graph, error) {
	c := newConfig("the model", v)
	name := c.text("name", "functional")
	entries, err := readEntries(c.take("layers"))
	if err != nil {
		return nil, err
	}
	if !c.flag("trainable", true) {
		c.fail("is frozen (trainable false), which is not supported")
	}
	ends := [2]string{}
	for i, key := range []string{"input_layers", "output_layers"} {
		v := c.take(key)
		if list, ok := v.([]any); ok && len(list) == 1 { // a list of one
			v = list[0]
		}
		if ends[i], err = reference(v); err != nil {
			c.fail("has %s %s, want one tensor", key, brief(v))
		}
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	nodes := map[string]*layers.Node{}
	for _, e := range entries {
		l, err := e.layer()
		if err != nil {
			return nil, err
		}
		if e.Name == "" {
			e.Name = l.GivenName()
		}
		if nodes[e.Name] != nil || e.Name != l.GivenName() {
			return nil, hdf5.FormatError(fmt.Sprintf("layer %q stands twice in the configuration, or under another name", e.Name))
		}
		nodes[e.Name] = layers.Apply(l)
	}
	for _, e := range entries {
		if e.Name == "" {
			e.Name, _ = e.Config.(map[string]any)["name"].(string)
		}
		names, err := inbound(e.Inbound)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", e.Name, err)
		}
		for _, from := range names {
			if nodes[from] == nil {
				return nil, hdf5.FormatError(fmt.Sprintf("layer %s reads %q, which is not there", e.Name, from))
			}
			nodes[e.Name].Inputs = append(nodes[e.Name].Inputs, nodes[from])
		}
	}
	if nodes[ends[0]] == nil || nodes[ends[1]] == nil {
		return nil, hdf5.FormatError(fmt.Sprintf("the model goes from %q to %q, which are not both there", ends[0], ends[1]))
	}
	g, err := layers.Functional(name, nodes[ends[0]], nodes[ends[1]])
	return checkAxes(g, entries, err)
}

// checkAxes checks what needs the shapes of the finished network.
func checkAxes(g *layers.Graph, entries []entry, err error) (*layers.Graph, error) {
	for i := 0; err == nil && i < len(entries); i++ {
		err = checkAxis(g, entries[i])
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// inbound lists the layers that a layer reads, from inbound_nodes of Keras 3
// ({"args", "kwargs"}) or 2 (lists of [name, node, tensor, kwargs]).
func inbound(nodes []any) ([]string, error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	if len(nodes) > 1 {
		return nil, fmt.Errorf("used at %d places of the network, which is not supported", len(nodes))
	}
	switch node := nodes[0].(type) {
	case map[string]any:
		if kwargs, ok := node["kwargs"].(map[string]any); ok {
			for key, v := range kwargs {
				// Keras writes what training was while the model was built; Fit and Predict say it anew.
				if v != nil && !(key == "training" && v == false) {
					return nil, fmt.Errorf("called with %s %s, which is not supported", key, brief(v))
				}
			}
		}
		args, _ := node["args"].([]any)
		if len(args) == 1 {
			if list, ok := args[0].([]any); ok {
				args = list
			}
		}
		return references(args)
	case []any:
		if len(node) > 0 {
			if _, flat := node[0].(string); flat { // one tensor without its list
				return references([]any{node})
			}
		}
		return references(node)
	}
	return nil, hdf5.FormatError("inbound_nodes " + brief(nodes[0]))
}

func references(list []any) ([]string, error) {
	if len(list) == 0 {
		return nil, hdf5.FormatError("inbound_nodes without a tensor")
	}
	names := make([]string, len(list))
	for i, v := range list {
		if object, ok := v.(map[string]any); ok {
			values, _ := object["config"].(map[string]any)
			v = values["keras_history"]
		}
		var err error
		if names[i], err = reference(v); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// reference reads [layer, node, tensor], both numbers 0, and perhaps arguments.
func reference(v any) (string, error) {
	list, ok := v.([]any)
	if !ok || len(list) < 3 {
		return "", hdf5.FormatError("reference to a layer " + brief(v))
	}
	name, ok := list[0].(string)
	if !ok {
		return "", hdf5.FormatError("reference to a layer " + brief(v))
	}
	if list[1] != 0.0 || list[2] != 0.0 {
		return "", fmt.Errorf("reads use %s of layer %s; layers at several places are not supported", brief(list[1]), name)
	}
	if len(list) > 3 && brief(list[3]) != "{}" && list[3] != nil {
		return "", fmt.Errorf("called with %s, which is not supported", brief(list[3]))
	}
	return name, nil
}
