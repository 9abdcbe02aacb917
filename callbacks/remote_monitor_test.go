package callbacks

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watchRemotely runs the stream with c in the list, and returns what it said and the journal.
func watchRemotely(t *testing.T, c *RemoteMonitor, s stream) (said, journal string) {
	t.Helper()
	var log bytes.Buffer
	setup := setupFor(t, s, 1, &recorder{})
	setup.Log = &log
	m, err := NewManager([]Callback{c, NewJournal()}, setup)
	require.NoError(t, err)
	_, stopped := fit(t, m, s, 0, &recorder{})
	assert.False(t, stopped.Stop)
	assert.Len(t, m.History().Epoch, s.epochs(), "it never stops training")
	text, err := os.ReadFile(filepath.Join(setup.Dir, "journal.jsonl"))
	require.NoError(t, err)
	return log.String(), string(text)
}

func TestRemoteMonitorSendsEveryEpochInOrder(t *testing.T) {
	var mutex sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		text := string(body)
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			r.Body = io.NopCloser(strings.NewReader(text))
			assert.NoError(t, r.ParseForm())
			text = "form " + r.PostForm.Get("data")
		}
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Token")+" "+text)
	}))
	defer server.Close()
	s := stream{"loss": {1, nan, 0.25}}
	said, journal := watchRemotely(t, &RemoteMonitor{Root: server.URL, Headers: map[string]string{"X-Token": "secret"}}, s)
	assert.NotContains(t, said, "RemoteMonitor")
	assert.Equal(t, []string{
		`POST /publish/epoch/end/ secret form {"epoch":0,"learning_rate":0.1,"loss":1}`,
		`POST /publish/epoch/end/ secret form {"epoch":1,"learning_rate":0.1,"loss":"NaN"}`,
		`POST /publish/epoch/end/ secret form {"epoch":2,"learning_rate":0.1,"loss":0.25}`,
	}, got)
	assert.Contains(t, journal, `"headers":["X-Token"]`)
	assert.NotContains(t, journal, "secret")

	got = nil
	watchRemotely(t, &RemoteMonitor{Root: server.URL, Path: "/x?y=1", SendAsJSON: true}, stream{"loss": {1}})
	assert.Equal(t, []string{`POST /x?y=1  {"epoch":0,"learning_rate":0.1,"loss":1}`}, got)
}

func TestRemoteMonitorNeverEndsARun(t *testing.T) {
	s := stream{"loss": {1, 0.5, 0.25}}
	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) }))
	defer refuse.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(refuse.URL, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	hang := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-hang }))
	defer silent.Close()
	defer close(hang)
	for want, c := range map[string]*RemoteMonitor{
		"the server answered 403 Forbidden":          {Root: refuse.URL, Path: "/a?key=secret"},
		"the server answered 307 Temporary Redirect": {Root: elsewhere.URL, Path: "/a?key=secret"},
		"refused":  {Root: gone.URL, Path: "/a?key=secret"},
		"deadline": {Root: silent.URL, Path: "/a?key=secret", Timeout: 50 * time.Millisecond},
	} {
		begun := time.Now()
		said, _ := watchRemotely(t, c, s)
		assert.Less(t, time.Since(begun), 5*time.Second, want)
		assert.Equal(t, 1, strings.Count(said, "Warning: RemoteMonitor could not reach "+c.Root+"/a: "), said)
		if want != "deadline" || !strings.Contains(said, "canceled") { // the end of training cancels what hangs
			assert.Contains(t, said, want)
		}
		assert.Contains(t, said, "RemoteMonitor: 3 of 3 epochs did not reach "+c.Root+"/a\n")
		assert.NotContains(t, said, "secret")
	}
}

// A server that is slower than the epochs holds nothing up: what does not fit into the queue is dropped and counted.
func TestRemoteMonitorDoesNotWait(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-hang }))
	defer server.Close()
	s := stream{"loss": make([]float64, remoteQueue+10)}
	var log bytes.Buffer
	setup := setupFor(t, s, 1, &recorder{})
	setup.Log = &log
	m, err := NewManager([]Callback{&RemoteMonitor{Root: server.URL}, &Lambda{OnEpochEnd: func(e Event) error {
		if e.Epoch+1 == s.epochs() {
			close(hang) // only when all epochs are done
		}
		return nil
	}}}, setup)
	require.NoError(t, err)
	fit(t, m, s, 0, &recorder{})
	assert.Contains(t, log.String(), "it is too slow, 64 epochs wait to be sent; training goes on")
	assert.Regexp(t, `RemoteMonitor: (9|10) of 74 epochs did not reach`, log.String())
}

// Hooks out of order do nothing.
func TestRemoteMonitorWithoutBegin(t *testing.T) {
	c := NewRemoteMonitor()
	require.NoError(t, c.Begin(&Setup{}))
	require.NoError(t, c.Watch(Event{Kind: EpochEnd}))
	require.NoError(t, c.Watch(Event{Kind: TrainEnd}))
}
