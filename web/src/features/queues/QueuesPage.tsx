import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { Queue } from "../../api/answers";
import { queues } from "../../api/questions";
import { useText } from "../../i18n";
import { useRange } from "../../range/useRange";
import { Answer, Empty } from "../../ui/Answer";
import { NONE } from "../../ui/format";
import { toPage, toRuns } from "../../ui/links";
import { UseBar } from "../../ui/Meter";
import { Name } from "../../ui/Name";
import { Page, PageHead } from "../../ui/Panel";
import { CardLine, type Column, Table } from "../../ui/Table";
import ui from "../../ui/ui.module.css";
import { useFormat } from "../../ui/useFormat";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

const id = (queue: Queue) => JSON.stringify([queue.service, queue.queue]);
const sum = (found: readonly Queue[], of: (queue: Queue) => number) =>
  found.reduce((total, queue) => total + of(queue), 0);
const used = (queue: Queue) => queue.depth + queue.running + queue.workers + queue.submitted + queue.finished > 0;

export function QueuesPage() {
  const words = useText({ en, zh });
  const format = useFormat();
  const window = useRange();
  const { queue, service } = useSearch({ from: "/queues" });
  const query = useQuery(queues(window, { queue, service }));
  const items = query.data?.items ?? [];
  const stuck = sum(items, (one) => one.stuck);
  const verdict = words.verdict(
    format.count(sum(items, (one) => one.depth)),
    format.count(sum(items, (one) => one.running)),
  );
  return (
    <Page>
      <PageHead
        title={words.title}
        verdict={
          query.data && (
            <>
              {verdict}
              {stuck > 0 && (
                <span className={ui.warn}>
                  {" "}
                  · {words.stuck(format.count(stuck), format.duration(query.data.stuck_after_ms))}
                </span>
              )}
            </>
          )
        }
      />
      <section className={ui.panel} aria-label={words.title}>
        <Answer query={query} height={480}>
          {(answer) => {
            const found = answer.items.filter(used);
            return found.length === 0 ? <Empty>{words.none}</Empty> : <QueueTable queues={found} />;
          }}
        </Answer>
        <p className={ui.panelNote}>{words.inRange}</p>
      </section>
    </Page>
  );
}

function QueueTable({ queues }: { queues: readonly Queue[] }) {
  const words = useText({ en, zh });
  const format = useFormat();
  const columns: Column<Queue>[] = [
    { key: "queue", head: words.queue, cell: (queue) => <QueueName queue={queue} /> },
    { key: "depth", head: words.depth, align: "end", cell: (queue) => <Depth queue={queue} /> },
    { key: "oldest", head: words.oldest, align: "end", cell: (queue) => <Oldest queue={queue} /> },
    { key: "running", head: words.running, cell: (queue) => <Use queue={queue} /> },
    { key: "workers", head: words.workers, align: "end", cell: (queue) => <Serving queue={queue} /> },
    { key: "in", head: words.in, align: "end", cell: (queue) => format.count(queue.submitted) },
    { key: "out", head: words.out, align: "end", cell: (queue) => format.count(queue.finished) },
    { key: "failed", head: words.failed, align: "end", cell: (queue) => <Failed queue={queue} /> },
    {
      key: "wait",
      head: words.wait,
      align: "end",
      cell: (queue) => `${format.duration(queue.wait_ms.p50)} · ${format.duration(queue.wait_ms.p95)}`,
    },
  ];
  return (
    <Table
      caption={words.title}
      rows={queues}
      id={id}
      columns={columns}
      card={(queue) => (
        <>
          <CardLine>
            <QueueName queue={queue} />
            <Depth queue={queue} />
          </CardLine>
          <CardLine>
            <Use queue={queue} />
            <Oldest queue={queue} />
          </CardLine>
        </>
      )}
    />
  );
}

function QueueName({ queue }: { queue: Queue }) {
  const words = useText({ en, zh });
  if (queue.queue === null) return <span className={ui.muted}>{words.noQueue}</span>;
  return (
    <Name chars={32} to={toRuns({ queue: [queue.queue], service: [queue.service] })}>
      {queue.queue}
    </Name>
  );
}

/** How many wait, with the way to them. */
function Depth({ queue }: { queue: Queue }) {
  const format = useFormat();
  if (queue.depth === 0 || queue.queue === null) return <>{format.count(queue.depth)}</>;
  return (
    <Link {...toRuns({ queue: [queue.queue], service: [queue.service], state: ["PENDING"] })}>
      {format.count(queue.depth)}
    </Link>
  );
}

function Oldest({ queue }: { queue: Queue }) {
  const format = useFormat();
  return <span className={queue.stuck > 0 ? ui.warn : undefined}>{format.duration(queue.oldest_waiting_ms)}</span>;
}

function Use({ queue }: { queue: Queue }) {
  const words = useText({ en, zh });
  const format = useFormat();
  if (queue.limit === null) return <span title={words.noLimit}>{format.count(queue.running)}</span>;
  return <UseBar share={queue.use ?? 0} text={words.ofLimit(format.count(queue.running), format.count(queue.limit))} />;
}

function Serving({ queue }: { queue: Queue }) {
  const words = useText({ en, zh });
  const format = useFormat();
  if (queue.workers === 0 && queue.depth > 0) return <span className={ui.warn}>{words.nobody}</span>;
  if (queue.workers === 0) return <>{NONE}</>;
  return <Link {...toPage("/workers", { queue: queue.queue ?? undefined })}>{format.count(queue.workers)}</Link>;
}

function Failed({ queue }: { queue: Queue }) {
  const format = useFormat();
  const failed = queue.failed + queue.timed_out + queue.lost;
  if (failed === 0 || queue.queue === null) return <>{format.count(failed)}</>;
  return (
    <Link
      className={ui.bad}
      {...toRuns({ queue: [queue.queue], service: [queue.service], outcome: ["failed", "timed_out", "lost"] })}
    >
      {format.count(failed)}
    </Link>
  );
}
