/*
 * The swap, the record and the adoption of one service: what slotd, its relays and the children
 * that write records do to whatever outlives them. README.md maps each step to the code and says
 * what is left out; ./check runs it as it is, and then with each mistake that it knows.
 *
 * What slotd does in one turn of its loop is one step here, but it may be killed in it wherever
 * something has happened that others can see: they have no other way to tell the two apart.
 */

/* How much may happen; ./check says it. */
#ifndef RELAYS
#define RELAYS 2
#endif
#ifndef SWAPS
#define SWAPS 2
#endif
#ifndef SLOTD_KILLS
#define SLOTD_KILLS 1
#endif
#ifndef RELAY_KILLS
#define RELAY_KILLS 0
#endif
#ifndef POWER_CUTS
#define POWER_CUTS 0
#endif
#ifndef FAILURES /* of a start, a record or a bake */
#define FAILURES 0
#endif
#ifndef CLIENTS
#define CLIENTS 1
#endif
#ifndef STALLS /* writers that hang until they are killed */
#define STALLS 0
#endif

#define NOBODY	     2 /* no slot; slots are 0 and 1 */
#define OTHER(slot)  (1 - (slot))
#define AT(r, slot)  (2 * (r) + (slot))
#define BIT(r)	     (1 << (r))
#define DRAINS(slot) (retire[slot] == DRAINING || retire[slot] == CUTTING)

mtype = { DOWN, STARTING, UP, STOPPING };	       /* the workers of a slot */
mtype = { IDLE, WAIT, START, CHECK, FLIP, RECORD, BAKE }; /* a swap */
mtype = { RESTS, DRAINING, CUTTING, WARM, LEAVING };   /* a slot that was live */
mtype = { WORKERS, TABLE, FLIPPED, DRAIN, CUT };       /* what a relay is told */
mtype = { NONE, HELD, BEGUN, BESIDE, RENAMED, WRITTEN, FAILED }; /* a child that writes */

/* ---- the disk: all that outlives a power cut ---- */

byte record = 0;      /* the state file: which slot is live */
byte synced = 0;      /* what a power cut leaves of it, at the worst */
byte beside = NOBODY; /* the new file beside it */

/* ---- what outlives slotd: workers, relays, switchboard, ledger, what slotd-keep holds ---- */

mtype workers[2];
bool news; /* to slotd, of workers */
byte word; /* of the switchboard: the live slot */

mtype ledger_step, ledger_retire[2];
byte ledger_live;
bool ledger_warm, ledger_afresh, ledger_clearing, ledger_back, ledger_discard[2], ledger_touched[2];

/* Children that write: 0 is slotd's, 1 was a former slotd's. */
mtype writer[2];
byte text[2];
bool commits[2], kept[2];

/* ---- relays ---- */

bool there[RELAYS], complete[RELAYS];
bool knew[RELAYS];	  /* that the live slot is up: since then no client waits */
bool knows[2 * RELAYS];	  /* workers of that slot are up */
bool unplaced[RELAYS];	  /* a connection is accepted */
byte chosen[RELAYS];	  /* it is placed in that slot, and not connected yet */
bool request[2 * RELAYS]; /* one is open in that slot */
byte draining[2 * RELAYS], cutting[2 * RELAYS]; /* the id to answer, or 0 */

typedef told {
	chan q = [8] of { mtype, byte, byte, byte }
};
typedef said {
	chan q = [8] of { byte }
};
told to[RELAYS];
said from[RELAYS];

/* ---- what may still happen ---- */

byte swaps = SWAPS, slotd_kills = SLOTD_KILLS, relay_kills = RELAY_KILLS;
byte power_cuts = POWER_CUTS, failures = FAILURES, clients = CLIENTS, stalls = STALLS;
bool power;	/* fails: slotd's step is over, and then all else */
bool bare;	/* the machine has started: nothing is there but the disk */
bool serves;	/* the live slot has come up since */
byte life;	/* of slotd: ids go on over its death */

/* ---- slotd's own memory ---- */

mtype step, retire[2];
byte live;
bool warm, afresh, clearing, back, discard[2], touched[2];
bool unrecorded, record_again, for_swap;
mtype child_is_for; /* CHECK, RECORD */
bool runs;
byte round[3];	    /* id of the flip, of the drain or cut of 0, of 1 */
byte turn[3];	    /* so many rounds, modulo 3: more are never under way */
byte asked[3];	    /* relays that have not answered */
bool stored;
bool seen_dead[RELAYS];
byte id, r_, s_;

#define TARGET OTHER(live)

/* ==== relays ==== */

inline answer(r, what)
{
	if
	:: what -> from[r].q!what; what = 0
	:: else
	fi
}

/* A relay that has been told all finds workers in the live slot: nobody waits for a flip. */
inline place(r)
{
	assert(!knew[r] || knows[AT(r, word)]);
	if
	:: knows[AT(r, word)] -> chosen[r] = word; unplaced[r] = false
	:: else -> unplaced[r] = true; chosen[r] = NOBODY
	fi
}

/* Neither open nor on its way there. */
inline drained(r, slot)
{
	if
	:: draining[AT(r, slot)] && !request[AT(r, slot)] && chosen[r] != slot ->
		answer(r, draining[AT(r, slot)])
	:: else
	fi
}

proctype relay(byte r)
{
	byte a, b, n;

end:	do
	:: atomic { there[r] && to[r].q?[WORKERS, _, _, _] -> to[r].q?WORKERS(a, b, n);
		knows[AT(r, 0)] = a;
		knows[AT(r, 1)] = b;
		knew[r] = knew[r] || knows[AT(r, word)];
		a = 0; b = 0
	   }
	:: atomic { there[r] && to[r].q?[TABLE, _, _, _] -> to[r].q?TABLE(a, b, n); complete[r] = true; answer(r, n) }
	:: atomic { there[r] && to[r].q?[FLIPPED, _, _, _] -> to[r].q?FLIPPED(a, b, n);
		/* What the slot that is live now has, it keeps. */
		draining[AT(r, word)] = 0;
		answer(r, cutting[AT(r, word)]);
		if
		:: chosen[r] == OTHER(word) -> place(r)
		:: else
		fi;
		drained(r, OTHER(word));
		answer(r, n);
		a = 0
	   }
	:: atomic { there[r] && to[r].q?[DRAIN, _, _, _] -> to[r].q?DRAIN(a, b, n); draining[AT(r, a)] = n; drained(r, a); a = 0; n = 0 }
	:: atomic { there[r] && to[r].q?[CUT, _, _, _] -> to[r].q?CUT(a, b, n);
		answer(r, cutting[AT(r, a)]);
		cutting[AT(r, a)] = n;
		a = 0; n = 0
	   }
	:: atomic { there[r] && cutting[AT(r, 0)] -> a = 0; goto cut }
	:: atomic { there[r] && cutting[AT(r, 1)] -> a = 1; goto cut }
	/* A client is accepted, placed, connected (or refused, and placed once more), served. */
	:: atomic { there[r] && complete[r] && clients && !unplaced[r] && chosen[r] == NOBODY &&
		    !request[AT(r, word)] && (knew[r] || knows[AT(r, word)]) ->
		clients--;
		place(r)
	   }
	:: atomic { there[r] && unplaced[r] && knows[AT(r, word)] -> place(r) }
	:: atomic { there[r] && chosen[r] != NOBODY ->
		a = chosen[r];
		if
		:: workers[a] == UP -> request[AT(r, a)] = true; chosen[r] = NOBODY
		:: workers[a] != UP && knows[AT(r, word)] && word != a -> place(r)
		:: else -> unplaced[r] = true; chosen[r] = NOBODY
		fi;
		drained(r, a);
		a = 0
	   }
	:: atomic { there[r] && request[AT(r, 0)] -> request[AT(r, 0)] = false; drained(r, 0) }
	:: atomic { there[r] && request[AT(r, 1)] -> request[AT(r, 1)] = false; drained(r, 1) }
	od;
cut:
	atomic {
		if
#ifndef CUT_GOES_ON
		:: a == word -> answer(r, cutting[AT(r, a)])
#endif
		:: else ->
			assert(a != word || !request[AT(r, a)]);
			request[AT(r, a)] = false;
			answer(r, cutting[AT(r, a)]);
			drained(r, a)
		fi;
		a = 0;
		goto end
	}
}

/* ==== workers, and children that write ==== */

inline settle_workers(slot)
{
	if
	:: workers[slot] == STARTING && failures && serves -> failures--; workers[slot] = DOWN
	:: workers[slot] == STARTING -> workers[slot] = UP; serves = serves || slot == word
	:: workers[slot] == STOPPING -> workers[slot] = DOWN
	fi;
	news = true
}

inline write_on(w)
{
	if
	:: writer[w] == BEGUN && commits[w] && record == text[w] ->
#ifdef UNSYNCED_IS_WRITTEN
		writer[w] = WRITTEN
#else
		writer[w] = RENAMED
#endif
	:: writer[w] == BEGUN && !(commits[w] && record == text[w]) ->
		beside = text[w];
		writer[w] = BESIDE
	:: writer[w] == BESIDE && !commits[w] -> writer[w] = WRITTEN
	:: writer[w] == BESIDE && commits[w] && beside != NOBODY ->
		record = beside;
		beside = NOBODY;
		writer[w] = RENAMED
	:: writer[w] == BESIDE && commits[w] && beside == NOBODY -> writer[w] = FAILED
	:: writer[w] == RENAMED -> synced = record; writer[w] = WRITTEN
	:: failures && writer[w] != RENAMED -> failures--; writer[w] = FAILED /* full disk */
	:: w == 0 && stalls -> stalls--; writer[w] = FAILED /* killed after 30 s */
	fi
}

#define WRITES(w) (writer[w] == BEGUN || writer[w] == BESIDE || writer[w] == RENAMED)

proctype machine()
{
end:	do
	:: atomic { workers[0] == STARTING || workers[0] == STOPPING -> settle_workers(0) }
	:: atomic { workers[1] == STARTING || workers[1] == STOPPING -> settle_workers(1) }
	:: atomic { WRITES(0) -> write_on(0) }
	:: atomic { WRITES(1) -> write_on(1) }
	:: atomic { writer[1] == WRITTEN || writer[1] == FAILED -> writer[1] = NONE; kept[1] = false }
	od
}

/* ==== what ends ==== */

inline relay_dies(r)
{
	there[r] = false;
	complete[r] = false;
	knew[r] = false;
	unplaced[r] = false;
	chosen[r] = NOBODY;
	knows[AT(r, 0)] = false;
	knows[AT(r, 1)] = false;
	request[AT(r, 0)] = false;
	request[AT(r, 1)] = false;
	draining[AT(r, 0)] = 0;
	draining[AT(r, 1)] = 0;
	cutting[AT(r, 0)] = 0;
	cutting[AT(r, 1)] = 0;
	do
	:: nempty(to[r].q) -> to[r].q?_, _, _, _
	:: empty(to[r].q) -> break
	od;
	do
	:: nempty(from[r].q) -> from[r].q?_
	:: empty(from[r].q) -> break
	od
}

inline power_fails()
{
	bare = true;
	serves = false;
	news = false;
	word = 0;
	workers[0] = DOWN;
	workers[1] = DOWN;
	writer[0] = NONE;
	writer[1] = NONE;
	beside = NOBODY;
	if
	:: record = synced
	:: skip
	fi;
	synced = record;
	relay_dies(0);
#if RELAYS > 1
	relay_dies(1)
#endif
}

/* ==== slotd ==== */

#define READY(slot) (workers[slot] == UP)

/* Before and after whatever others can see: death, by kill -9 or with all of the machine. */
inline may_die()
{
	if
	:: slotd_kills && writer[1] == NONE -> slotd_kills--; goto dead
	:: power_cuts -> power_cuts--; power = true; goto dead
	:: skip
	fi
}

inline tell(r, what, x, y, n)
{
	if
	:: there[r] && !seen_dead[r] -> to[r].q!what(x, y, n); may_die()
	:: else
	fi
}

inline tell_workers()
{
	r_ = 0;
	do
	:: r_ < RELAYS -> tell(r_, WORKERS, READY(0), READY(1), 0); r_++
	:: else -> break
	od;
	r_ = 0
}

inline start_round(k, what, slot)
{
	turn[k] = (turn[k] + 1) % 3;
	round[k] = 1 + 9 * life + 3 * (k) + turn[k];
	asked[k] = 0;
	r_ = 0;
	do
	:: r_ < RELAYS && there[r_] && !seen_dead[r_] ->
		asked[k] = asked[k] | BIT(r_);
		to[r_].q!what(slot, 0, round[k]);
		r_++;
		may_die()
	:: r_ < RELAYS && (!there[r_] || seen_dead[r_]) -> r_++
	:: r_ == RELAYS -> break
	od;
	r_ = 0
}

/* One copy, by a sequence lock. */
inline commit()
{
	d_step {
		ledger_step = step;
		ledger_live = live;
		ledger_warm = warm;
		ledger_afresh = afresh;
		ledger_clearing = clearing;
		ledger_back = back;
		ledger_retire[0] = retire[0];
		ledger_retire[1] = retire[1];
		ledger_discard[0] = discard[0];
		ledger_discard[1] = discard[1];
		ledger_touched[0] = touched[0];
		ledger_touched[1] = touched[1]
	};
	may_die()
}

inline write_record(what, value, commits_it)
{
	d_step {
		child_is_for = what;
		text[0] = value;
		commits[0] = commits_it;
		kept[0] = false;
#ifdef WRITER_BEGINS_AT_ONCE
		writer[0] = BEGUN
#else
		writer[0] = HELD
#endif
	};
	may_die();
	kept[0] = true;
	may_die();
	if
	:: writer[0] == HELD -> writer[0] = BEGUN; may_die()
	:: else
	fi
}

/* ---- a slot that was live ---- */

inline begin_drain(slot)
{
	retire[slot] = DRAINING;
	start_round(1 + slot, DRAIN, slot);
	commit()
}

inline retire_slot(slot, throw_away)
{
	if
	:: retire[slot] == RESTS ->
		discard[slot] = throw_away;
		begin_drain(slot)
	:: else
	fi
}

inline recall(slot)
{
#ifndef NO_RECALL
	retire[slot] = RESTS;
	discard[slot] = false;
	commit()
#else
	skip
#endif
}

/* Nothing that a client has there may be lost by it. */
inline stop_slot(slot)
{
	assert(slot != word);
	do
	:: r_ < RELAYS -> assert(!request[AT(r_, slot)]); r_++
	:: else -> break
	od;
	r_ = 0;
	if
	:: workers[slot] == UP || workers[slot] == STARTING -> workers[slot] = STOPPING; may_die()
	:: else
	fi;
	if
	:: retire[slot] != RESTS && workers[slot] == DOWN -> retire[slot] = RESTS; commit()
	:: else
	fi
}

/* It has drained, or was cut. */
inline emptied(slot)
{
	if
	:: discard[slot] -> retire[slot] = LEAVING; stop_slot(slot)
	:: else -> retire[slot] = WARM
	fi;
	commit()
}

/* ---- a swap, by the phases ---- */

inline abandon()
{
	step = IDLE;
	if
	:: warm -> retire_slot(TARGET, false)
	:: else -> stop_slot(TARGET)
	fi;
	commit()
}

inline start_slot()
{
	clearing = (workers[TARGET] == STOPPING);
	if
	:: workers[TARGET] == DOWN -> workers[TARGET] = STARTING; may_die()
	:: else
	fi;
	news = true
}

inline enter_start()
{
	step = START;
	recall(TARGET);
	if
	:: afresh -> stop_slot(TARGET)
	:: else
	fi;
	start_slot();
	commit()
}

inline enter_check()
{
	step = CHECK;
	write_record(CHECK, TARGET, false);
	commit()
}

inline enter_flip()
{
	step = FLIP;
	tell_workers();
#ifdef STORE_FIRST
	word = TARGET;
#endif
	if
	:: word != TARGET -> stored = false; start_round(0, TABLE, 0)
	:: else -> stored = true; start_round(0, FLIPPED, 0)
	fi;
	commit()
}

inline follow_flip()
{
	if
	:: back -> touched[OTHER(live)] = true
	:: else -> touched[live] = false
	fi;
#ifndef NO_RECORD_AFTER_FLIP
	if
	:: writer[0] == NONE -> for_swap = true; write_record(RECORD, live, true)
	:: else -> for_swap = true; record_again = true
	fi;
#else
	for_swap = true; child_is_for = RECORD; writer[0] = WRITTEN; text[0] = record; commits[0] = true;
#endif
#ifdef STOP_AT_FLIP
	stop_slot(OTHER(live));
#endif
	retire_slot(OTHER(live), back)
}

inline go_live()
{
	live = TARGET;
	step = RECORD;
	follow_flip();
	commit()
}

inline after_gate()
{
	if
	:: back -> enter_flip()
	:: else -> enter_check()
	fi
}

inline begin_swap()
{
	swaps--;
	afresh = touched[TARGET];
	warm = READY(TARGET) && !touched[TARGET];
	back = false;
	if
#ifndef NO_WAIT_FOR_DRAIN
	:: afresh && DRAINS(TARGET) -> step = WAIT; commit()
#endif
	:: warm -> step = CHECK; recall(TARGET); enter_check()
	:: else -> enter_start()
	fi
}

inline turn_back()
{
	back = true;
	afresh = false;
	warm = READY(TARGET);
	if
	:: warm -> step = FLIP; recall(TARGET); enter_flip()
	:: else -> enter_start()
	fi
}

inline child_ended()
{
	if
	:: child_is_for == CHECK && step == CHECK ->
		if
		:: writer[0] == WRITTEN && READY(TARGET) -> writer[0] = NONE; enter_flip()
		:: else -> writer[0] = NONE; abandon()
		fi
	:: child_is_for == RECORD ->
		unrecorded = (writer[0] != WRITTEN);
		/* What is told to be recorded is so for good, or slotd knows that it is not. */
		assert(unrecorded || record_again || (record == live && synced == live));
		writer[0] = NONE;
		if
		:: step == RECORD && for_swap && !record_again ->
			for_swap = false;
			if
			:: back -> step = IDLE; back = false
			:: else -> step = BAKE
			fi;
			commit()
		:: else
		fi
	:: else -> writer[0] = NONE
	fi;
	kept[0] = false
}

/* ---- rounds ---- */

inline round_over(k)
{
	round[k] = 0;
	asked[k] = 0;
	if
	:: k == 0 && !stored && step == FLIP ->
		word = TARGET;
		stored = true;
		may_die();
#ifndef NO_FLIPPED_ROUND
		start_round(0, FLIPPED, 0);
#else
		go_live();
#endif
	:: k == 0 && stored && step == FLIP -> go_live()
	:: k == 0 && step != FLIP
	:: k != 0 && DRAINS((k + 1) % 2) -> emptied((k + 1) % 2)
	:: k != 0 && !DRAINS((k + 1) % 2)
	fi
}

inline is_lost(r)
{
	d_step {
		seen_dead[r] = true;
		asked[0] = asked[0] & ~BIT(r);
		asked[1] = asked[1] & ~BIT(r);
		asked[2] = asked[2] & ~BIT(r)
	}
}

/* What a relay is refilled with; its own listening sockets come last. */
inline refill(r)
{
	there[r] = true;
	seen_dead[r] = false;
	tell(r, WORKERS, READY(0), READY(1), 0);
	tell(r, TABLE, 0, 0, 0)
}

inline refill_all()
{
	s_ = 0;
	do
	:: s_ < RELAYS -> refill(s_); s_++
	:: else -> break
	od;
	s_ = 0
}

/* ---- its start ---- */

inline start_bare()
{
	live = record;
	word = record;
	step = IDLE;
	bare = false;
	workers[live] = STARTING;
	commit();
	refill_all()
}

inline resume_retire(slot)
{
	if
	:: retire[slot] == DRAINING -> start_round(1 + slot, DRAIN, slot)
	:: retire[slot] == CUTTING -> start_round(1 + slot, CUT, slot)
	:: retire[slot] == LEAVING -> stop_slot(slot)
	:: else
	fi
}

inline resume_swap()
{
	if
	:: step == WAIT || step == IDLE || step == BAKE
	:: step == START ->
		recall(TARGET);
		start_slot()
	:: step == CHECK -> write_record(CHECK, TARGET, false)
	:: step == FLIP -> enter_flip()
	:: step == RECORD -> follow_flip(); commit()
	fi
}

inline adopt()
{
#ifdef LIVE_BY_RECORD
	word = record;
#endif
	d_step {
		step = ledger_step;
		live = ledger_live;
		warm = ledger_warm;
		afresh = ledger_afresh;
		clearing = ledger_clearing;
		back = ledger_back;
		retire[0] = ledger_retire[0];
		retire[1] = ledger_retire[1];
		discard[0] = ledger_discard[0];
		discard[1] = ledger_discard[1];
		touched[0] = ledger_touched[0];
		touched[1] = ledger_touched[1]
	};
	refill_all();
	resume_retire(0);
	resume_retire(1);
	resume_swap();
#ifndef UNRECORDED_IS_FORGOTTEN
	/* Whether the former one had come to it, nobody knows. */
	unrecorded = true;
#endif
	news = true
}

inline forget()
{
	d_step {
		step = IDLE; retire[0] = RESTS; retire[1] = RESTS;
		live = 0; warm = false; afresh = false; clearing = false; back = false;
		discard[0] = false; discard[1] = false; touched[0] = false; touched[1] = false;
		unrecorded = false; record_again = false; for_swap = false; child_is_for = 0;
		round[0] = 0; round[1] = 0; round[2] = 0; asked[0] = 0; asked[1] = 0; asked[2] = 0;
		stored = false; id = 0; s_ = 0; turn[0] = 0; turn[1] = 0; turn[2] = 0; runs = false;
		r_ = 0;
		do
		:: r_ < RELAYS -> seen_dead[r_] = false; r_++
		:: else -> break
		od;
		r_ = 0;
#ifndef IDS_BEGIN_AGAIN
		life++;
#endif
		/* Its child goes on without it. */
		if
		:: writer[0] == HELD || writer[0] == NONE
		:: else -> writer[1] = writer[0]; text[1] = text[0]; commits[1] = commits[0];
			kept[1] = kept[0]
		fi;
		writer[0] = NONE; text[0] = 0; commits[0] = false; kept[0] = false
	}
}

inline answered(r)
{
	d_step {
		if
		:: id == round[0] -> asked[0] = asked[0] & ~BIT(r)
		:: else
		fi;
		if
		:: id == round[1] -> asked[1] = asked[1] & ~BIT(r)
		:: else
		fi;
		if
		:: id == round[2] -> asked[2] = asked[2] & ~BIT(r)
		:: else
		fi;
		id = 0
	}
}

inline cut(slot)
{
	retire[slot] = CUTTING;
	start_round(1 + slot, CUT, slot);
	commit()
}

inline on_news()
{
	if
	:: step == START && clearing && workers[TARGET] == DOWN -> start_slot(); commit()
	:: step == START && !clearing && workers[TARGET] == UP -> after_gate()
	:: step == START && !clearing && workers[TARGET] == DOWN -> abandon()
	:: else
	fi;
	if
	:: retire[0] != RESTS && workers[0] == DOWN -> retire[0] = RESTS; commit()
	:: else
	fi;
	if
	:: retire[1] != RESTS && workers[1] == DOWN -> retire[1] = RESTS; commit()
	:: else
	fi
}

proctype slotd()
{
dead:	atomic {
		forget();
		/* A former one's child that writes is waited for; the patience may end. */
#ifndef NO_WAIT_FOR_WRITER
		if
		:: writer[1] == NONE || !kept[1] || power
		:: stalls && kept[1] && writer[1] != NONE ->
			stalls--;
			writer[1] = NONE;
			kept[1] = false
		:: power_cuts -> power_cuts--; power = true
		fi;
#endif
		if
		:: power -> power_fails(); power = false
		:: else
		fi;
		if
		:: bare -> start_bare()
		:: else -> adopt()
		fi;
		runs = true
	};
end:	do
	:: atomic { from[0].q?id -> answered(0) }
#if RELAYS > 1
	:: atomic { from[1].q?id -> answered(1) }
#endif
	:: atomic { !there[0] -> is_lost(0); refill(0) }
#if RELAYS > 1
	:: atomic { !there[1] -> is_lost(1); refill(1) }
#endif
	:: atomic { round[0] && !asked[0] -> round_over(0) }
	:: atomic { round[1] && !asked[1] -> round_over(1) }
	:: atomic { round[2] && !asked[2] -> round_over(2) }
	:: atomic { news -> news = false; tell_workers(); on_news() }
	:: atomic { writer[0] == WRITTEN || writer[0] == FAILED -> child_ended() }
	:: atomic { writer[0] == NONE && (unrecorded || record_again) ->
		record_again = false;
		write_record(RECORD, live, true)
	   }
	:: atomic { step == IDLE && swaps && serves -> begin_swap() }
	:: atomic { step == WAIT && !DRAINS(TARGET) -> enter_start() }
	:: atomic { step == BAKE && failures -> failures--; turn_back() }
	:: atomic { step == BAKE -> step = IDLE; commit() }
	:: atomic { retire[0] == DRAINING -> cut(0) }
	:: atomic { retire[1] == DRAINING -> cut(1) }
	:: atomic { retire[0] == WARM -> retire[0] = LEAVING; stop_slot(0); commit() }
	:: atomic { retire[1] == WARM -> retire[1] = LEAVING; stop_slot(1); commit() }
	:: atomic { slotd_kills && writer[1] == NONE -> slotd_kills--; goto dead }
	:: atomic { power_cuts -> power_cuts--; power = true; goto dead }
	od
}

/* ==== what happens to all of them ==== */

/* In every state: the slot that the switchboard names is up, and slotd holds no other for live. */
#define HOLDS ((!serves || workers[word] == UP) && \
	       (!runs || power || step == FLIP || word == live))

/* When nothing more can happen. */
inline all_is_well()
{
	assert(runs && !bare && serves);
	assert(step == IDLE && word == live && record == live && synced == live);
	assert(workers[live] == UP && workers[TARGET] == DOWN);
	assert(retire[0] == RESTS && retire[1] == RESTS && !round[0]);
	assert(writer[0] == NONE && writer[1] == NONE && !unrecorded);
	r_ = 0;
	do
	:: r_ < RELAYS ->
		assert(there[r_] && complete[r_] && knows[AT(r_, live)]);
		assert(!unplaced[r_] && chosen[r_] == NOBODY && !draining[AT(r_, live)]);
		r_++
	:: else -> break
	od;
	r_ = 0
}

active proctype world()
{
	atomic {
		workers[0] = DOWN;
		workers[1] = DOWN;
		bare = true;
		chosen[0] = NOBODY;
#if RELAYS > 1
		chosen[1] = NOBODY;
		run relay(1);
#endif
		run relay(0);
		writer[0] = NONE;
		writer[1] = NONE;
		run machine();
		run slotd()
	};
end:	do
	:: atomic { !HOLDS -> assert(false) }
	:: atomic { relay_kills && there[0] -> relay_kills--; relay_dies(0) }
#if RELAYS > 1
	:: atomic { relay_kills && there[1] -> relay_kills--; relay_dies(1) }
#endif
	:: atomic { timeout -> all_is_well() }
	od
}
