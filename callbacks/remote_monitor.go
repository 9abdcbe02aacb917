package callbacks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// RemoteMonitor sends the logs of each epoch to a server by HTTP POST: {"epoch": 0, "loss": 0.5, …}, epochs 0-based, in the
// field Field of a form, or as the body itself if SendAsJSON. A value that is not finite is one of the strings NaN, Infinity
// and -Infinity.
//
// It never stops training and never holds it up: epochs are sent in the background, in order, and what cannot be sent is
// said once and counted. The end of training waits for Timeout at most. Keras: callbacks.RemoteMonitor, which waits for the
// server in each epoch, without a limit.
type RemoteMonitor struct {
	Root       string            // default http://localhost:9000
	Path       string            // behind Root; default /publish/epoch/end/
	Field      string            // default data
	Headers    map[string]string // further HTTP headers; the journal has their names only
	SendAsJSON bool
	Timeout    time.Duration // for one request, and for what is still to be sent at the end; default 10 seconds

	address string
	say     func(string)
	sender  *remoteSender
}

// NewRemoteMonitor returns Keras's defaults, with a timeout of 10 seconds.
func NewRemoteMonitor() *RemoteMonitor {
	return &RemoteMonitor{Root: "http://localhost:9000", Path: "/publish/epoch/end/", Field: "data", Timeout: remoteTimeout}
}

const (
	remoteTimeout = 10 * time.Second
	remoteQueue   = 64 // epochs that may wait for a slow server before further ones are dropped
)

var headerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// Name returns remote_monitor.
func (*RemoteMonitor) Name() string { return "remote_monitor" }

func (c *RemoteMonitor) parameters() []parameter {
	return []parameter{
		{"root", &c.Root}, {"path", &c.Path}, {"field", &c.Field}, {"headers", &c.Headers}, {"send_as_json", &c.SendAsJSON}, {"timeout", &c.Timeout},
	}
}

// Begin checks the settings. Whether the server answers is not tried: it may come up later.
func (c *RemoteMonitor) Begin(s *Setup) error {
	defaults := NewRemoteMonitor()
	c.address = orText(c.Root, defaults.Root) + orText(c.Path, defaults.Path)
	address, err := url.Parse(c.address)
	if err != nil {
		return fmt.Errorf("callbacks: RemoteMonitor: Root and Path are no address: %w", err)
	}
	if address.User != nil {
		return errors.New("callbacks: RemoteMonitor: Root has a user name or password, which the journal would show; send them in Headers")
	}
	if address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return fmt.Errorf("callbacks: RemoteMonitor: the address is %q; Root begins with http:// or https:// and a host", c.address)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("callbacks: RemoteMonitor: Timeout is %s; give a positive one, or 0 for %s", c.Timeout, remoteTimeout)
	}
	if _, err := c.request(context.Background(), nil); err != nil {
		return fmt.Errorf("callbacks: RemoteMonitor: %w", err)
	}
	c.say, c.sender = s.println, nil
	return nil
}

func orText(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// Watch sends epochs.
func (c *RemoteMonitor) Watch(e Event) error {
	switch e.Kind {
	case TrainBegin:
		timeout := c.Timeout
		if timeout == 0 {
			timeout = remoteTimeout
		}
		c.sender = startSender(timeout, c.request)
	case EpochEnd:
		if c.sender == nil {
			return nil
		}
		values := map[string]any{"epoch": e.Epoch}
		for name, value := range e.Logs {
			values[name] = Number(value)
		}
		message, err := json.Marshal(values)
		if err != nil {
			return fmt.Errorf("logs of epoch %d: %w", e.Epoch+1, err)
		}
		c.sender.send(message)
		c.warn(c.sender.problem())
	case TrainEnd:
		if c.sender != nil {
			lost, problem := c.sender.close()
			c.warn(problem)
			if lost > 0 {
				c.say(fmt.Sprintf("RemoteMonitor: %d of %d epochs did not reach %s", lost, c.sender.sent, c.server()))
			}
			c.sender = nil
		}
	}
	return nil
}

// warn says the first problem.
func (c *RemoteMonitor) warn(problem error) {
	if problem != nil && !c.sender.warned {
		c.sender.warned = true
		c.say(fmt.Sprintf("Warning: RemoteMonitor could not reach %s: %v; training goes on", c.server(), problem))
	}
}

// server is the address without its query, which may hold secrets.
func (c *RemoteMonitor) server() string {
	server, _, _ := strings.Cut(c.address, "?")
	return server
}

// request makes a request of a message.
func (c *RemoteMonitor) request(ctx context.Context, message []byte) (*http.Request, error) {
	kind, body := "application/json", message
	if !c.SendAsJSON {
		kind = "application/x-www-form-urlencoded"
		body = []byte(url.Values{orText(c.Field, NewRemoteMonitor().Field): {string(message)}}.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", kind)
	for name, value := range c.Headers {
		if !headerName.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("the header %q has a name or a value that HTTP does not allow", name)
		}
		request.Header.Set(name, value)
	}
	return request, nil
}

// remoteSender sends messages in order, in a goroutine of its own.
type remoteSender struct {
	request  func(context.Context, []byte) (*http.Request, error)
	timeout  time.Duration
	messages chan []byte
	problems chan error // the first one, if there is one
	done     chan int   // how many messages failed, once all are through
	cancel   context.CancelFunc
	sent     int // messages given to send
	dropped  int // because too many were waiting
	warned   bool
}

func startSender(timeout time.Duration, request func(context.Context, []byte) (*http.Request, error)) *remoteSender {
	ctx, cancel := context.WithCancel(context.Background())
	s := &remoteSender{
		request: request, timeout: timeout, cancel: cancel,
		messages: make(chan []byte, remoteQueue), problems: make(chan error, 1), done: make(chan int, 1),
	}
	go s.run(ctx)
	return s
}

func (s *remoteSender) run(ctx context.Context) {
	client := &http.Client{
		Timeout: s.timeout,
		// A redirection could carry the headers elsewhere, and would make a GET of the POST.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	failed := 0
	for message := range s.messages {
		if err := s.post(ctx, client, message); err != nil {
			failed++
			s.report(err)
		}
	}
	s.done <- failed
}

func (s *remoteSender) post(ctx context.Context, client *http.Client, message []byte) error {
	request, err := s.request(ctx, message)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		if wrapped := new(url.Error); errors.As(err, &wrapped) { // its text has the whole address
			err = wrapped.Err
		}
		return err
	}
	// The answer does not matter beyond its status; a little of it is read so that the connection can be used again.
	_, readErr := io.CopyN(io.Discard, response.Body, 1<<16)
	closeErr := response.Body.Close()
	switch {
	case response.StatusCode >= 300:
		return fmt.Errorf("the server answered %s", response.Status)
	case readErr != nil && !errors.Is(readErr, io.EOF):
		return readErr
	default:
		return closeErr
	}
}

// report keeps the first problem for the goroutine that trains, which says it.
func (s *remoteSender) report(err error) {
	select {
	case s.problems <- err:
	default:
	}
}

// send takes a message to be sent later, or drops it if too many wait.
func (s *remoteSender) send(message []byte) {
	s.sent++
	select {
	case s.messages <- message:
	default:
		s.dropped++
		s.report(fmt.Errorf("it is too slow, %d epochs wait to be sent", remoteQueue))
	}
}

func (s *remoteSender) problem() error {
	select {
	case err := <-s.problems:
		return err
	default:
		return nil
	}
}

// close waits for what is still to be sent, for the timeout at most, and says how many messages did not get through.
func (s *remoteSender) close() (lost int, problem error) {
	close(s.messages)
	defer s.cancel()
	overtime := time.AfterFunc(s.timeout, s.cancel)
	defer overtime.Stop()
	lost = <-s.done + s.dropped // once cancelled, all that is left fails at once
	return lost, s.problem()
}
