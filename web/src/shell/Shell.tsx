/** What surrounds every page: navigation, range, state of the connection, language and theme. */
import { useIsFetching } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import { RangePicker } from "../range/RangePicker";
import { KeyHelp } from "./KeyHelp";
import { LiveState } from "./LiveState";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { Navigation, TabBar } from "./Navigation";
import styles from "./Shell.module.css";
import { LanguageSwitch, ThemeSwitch } from "./Switches";
import { useKeys } from "./useKeys";

export function Shell() {
  const words = useText({ en, zh });
  const help = useKeys();
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        {words.skip}
      </a>
      <header className={styles.bar}>
        <Link to="/" className={styles.mark}>
          <span translate="no">Taskscope</span>
        </Link>
        <div className={styles.tools}>
          <RangePicker />
          <LiveState />
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </header>
      <Navigation />
      <Content>
        <Outlet />
      </Content>
      <TabBar />
      <KeyHelp open={help.open} onOpenChange={help.setOpen} />
    </div>
  );
}

/** Says whether anything is being asked, for whoever looks at pages by a program. */
function Content({ children }: { children: ReactNode }) {
  const asking = useIsFetching() > 0;
  return (
    <main id="content" className={styles.main} tabIndex={-1} data-asking={asking ? "" : undefined}>
      {children}
    </main>
  );
}
