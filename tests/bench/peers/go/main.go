// Go's net/http with gorilla/websocket and pgx: what the other peers do.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v4/pgxpool"
)

type member struct {
	socket *websocket.Conn
	lock   sync.Mutex
}

type room struct {
	lock    sync.RWMutex
	members map[*member]bool
}

var (
	rooms    sync.Map
	key      int64
	upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{}}
)

func (m *member) send(kind int, bytes []byte) {
	m.lock.Lock()
	m.socket.WriteMessage(kind, bytes)
	m.lock.Unlock()
}

func talk(w http.ResponseWriter, r *http.Request) {
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer socket.Close()
	me := &member{socket: socket}
	parts := strings.SplitN(r.URL.Path, "/", 3)
	var mine *room
	if parts[1] != "echo" {
		any, _ := rooms.LoadOrStore(parts[2], &room{members: map[*member]bool{}})
		mine = any.(*room)
		mine.lock.Lock()
		mine.members[me] = true
		mine.lock.Unlock()
		defer func() { mine.lock.Lock(); delete(mine.members, me); mine.lock.Unlock() }()
	}
	for {
		kind, bytes, err := socket.ReadMessage()
		if err != nil {
			return
		}
		if mine == nil {
			me.send(kind, bytes)
			continue
		}
		if parts[1] == "room" {
			prepared, _ := websocket.NewPreparedMessage(kind, bytes)
			mine.lock.RLock()
			for m := range mine.members {
				m.lock.Lock()
				m.socket.WritePreparedMessage(prepared)
				m.lock.Unlock()
			}
			mine.lock.RUnlock()
			continue
		}
		mine.lock.RLock()
		for m := range mine.members {
			if m != me {
				m.send(kind, bytes)
			}
		}
		mine.lock.RUnlock()
	}
}

func main() {
	pool, err := pgxpool.Connect(context.Background(), os.Args[2]+" pool_max_conns=8")
	if err != nil {
		panic(err)
	}
	say := func(w http.ResponseWriter, what any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(what)
	}
	http.HandleFunc("/json", func(w http.ResponseWriter, r *http.Request) {
		say(w, struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			Kakao   bool   `json:"kakao"`
			Google  bool   `json:"google"`
		}{"madang", "0.1.0", false, false})
	})
	http.HandleFunc("/row", func(w http.ResponseWriter, r *http.Request) {
		var row struct {
			Id   int64  `json:"id"`
			Name string `json:"name"`
		}
		id := 1 + atomic.AddInt64(&key, 1)%10000
		if pool.QueryRow(r.Context(), "select id, name from rows where id = $1", id).Scan(&row.Id, &row.Name) != nil {
			w.WriteHeader(500)
			return
		}
		say(w, row)
	})
	http.HandleFunc("/echo", talk)
	http.HandleFunc("/room/", talk)
	http.HandleFunc("/pair/", talk)
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
