// transport HOST:PORT CLIENTS THINK_MS: as agent.js, through one Transport of net/http.
//
// A Transport asks again by itself where an idle connection was closed under a request, so each
// connection that the server ended first is counted as failed: "closed by the server". But not a
// spare one: a Transport dials while it waits for a connection, and keeps what it did not need.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type result struct {
	sync.Mutex
	Ok      int            `json:"ok"`
	Failed  map[string]int `json:"failed"`
	Slots   map[string]int `json:"slots"`
	Longest float64        `json:"longest_ms"`
}

var sum = result{Failed: map[string]int{}, Slots: map[string]int{}}

func failed(why string) {
	sum.Lock()
	defer sum.Unlock()
	sum.Failed[why]++
}

// watched says when the other side is the first to close.
type watched struct {
	net.Conn
	closed, used atomic.Bool
}

func (c *watched) Write(b []byte) (int, error) {
	c.used.Store(true)
	return c.Conn.Write(b)
}

func (c *watched) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil && c.closed.CompareAndSwap(false, true) && c.used.Load() {
		failed("closed by the server")
	}
	return n, err
}

func (c *watched) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &watched{Conn: conn}, nil
}

func ask(client *http.Client, method, url string) (string, error) {
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader("body of a post")
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return "", err
	}
	request.Host = "payinv.example"
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return string(text), err
}

func user(number int, client *http.Client, address string, think float64, stop <-chan struct{}) {
	if number%4 == 3 {
		think *= 60
	}
	for n := number; ; n++ {
		method, path := "GET", "/"
		if n%2 == 1 {
			method = "POST"
		}
		if n%15 == 0 {
			path = "/slow?ms=200"
		}
		began := time.Now()
		text, err := ask(client, method, "http://"+address+path)
		took := float64(time.Since(began).Microseconds()) / 1000
		if err != nil {
			failed(err.Error() + " " + method)
		} else {
			sum.Lock()
			sum.Ok++
			sum.Slots[strings.Fields(text)[0]]++
			if took > sum.Longest {
				sum.Longest = took
			}
			sum.Unlock()
		}
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(think * (0.5 + rand.Float64()) * float64(time.Millisecond))):
		}
	}
}

func main() {
	clients, _ := strconv.Atoi(os.Args[2])
	think, _ := strconv.ParseFloat(os.Args[3], 64)
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: clients}
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var users sync.WaitGroup
	for i := 0; i < clients; i++ {
		users.Add(1)
		go func(i int) {
			defer users.Done()
			user(i, client, os.Args[1], think, ctx.Done())
		}(i)
	}
	users.Wait()
	transport.CloseIdleConnections()
	sum.Lock()
	defer sum.Unlock()
	json.NewEncoder(os.Stdout).Encode(&sum)
}
