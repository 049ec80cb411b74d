import { Link } from "@tanstack/react-router";
import { useText } from "../i18n";
import { Empty } from "../ui/Answer";
import { Page, PageHead } from "../ui/Panel";
import { en } from "./messages.en";
import { zh } from "./messages.zh";

/** What stands where no page is. */
export function Lost() {
  const words = useText({ en, zh });
  return (
    <Page>
      <PageHead title={words.lostTitle} />
      <Empty action={<Link to="/">{words.toOverview}</Link>}>{words.lostText}</Empty>
    </Page>
  );
}
