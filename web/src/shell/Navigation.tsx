import { Popover } from "@base-ui/react/popover";
import { Link, useLocation } from "@tanstack/react-router";
import { useState } from "react";
import { useText } from "../i18n";
import { keepRange } from "../ui/links";
import ui from "../ui/ui.module.css";
import { Icon } from "./Icon";
import { en } from "./messages.en";
import { zh } from "./messages.zh";
import { PAGES, type PageEntry, TABS } from "./pages";
import styles from "./Shell.module.css";

function useCurrent(): (page: PageEntry) => boolean {
  const { pathname } = useLocation();
  return (page) =>
    page.path === "/" ? pathname === "/" : pathname === page.path || pathname.startsWith(`${page.path}/`);
}

function Item({ page, className, onClick }: { page: PageEntry; className: string | undefined; onClick?: () => void }) {
  const words = useText({ en, zh });
  const current = useCurrent();
  return (
    <Link
      to={page.path as "/"}
      search={keepRange}
      className={className}
      aria-current={current(page) ? "page" : undefined}
      activeProps={{}}
      onClick={onClick}
    >
      <Icon of={page.id} />
      <span>{words.pages[page.id]}</span>
    </Link>
  );
}

/** All pages at the side, or in a row where the screen is not wide. */
export function Navigation() {
  const words = useText({ en, zh });
  const groups = (Object.keys(words.groups) as PageEntry["group"][])
    .map((group) => ({ group, pages: PAGES.filter((page) => page.group === group) }))
    .filter(({ pages }) => pages.length > 0);
  return (
    <nav className={styles.nav} aria-label={words.navigation}>
      {groups.map(({ group, pages }) => (
        <div key={group} className={styles.group}>
          <p className={styles.groupHead}>{words.groups[group]}</p>
          {pages.map((page) => (
            <Item key={page.id} page={page} className={styles.item} />
          ))}
        </div>
      ))}
    </nav>
  );
}

/** The bar at the foot of a phone: the first pages, and the others under "more". */
export function TabBar() {
  const words = useText({ en, zh });
  const [open, setOpen] = useState(false);
  const others = PAGES.slice(TABS);
  return (
    <nav className={styles.tabs} aria-label={words.menu}>
      {PAGES.slice(0, TABS).map((page) => (
        <Item key={page.id} page={page} className={styles.tab} />
      ))}
      {others.length > 0 && (
        <Popover.Root open={open} onOpenChange={setOpen}>
          <Popover.Trigger className={styles.tab}>
            <span className={styles.glyph} aria-hidden="true">
              ⋯
            </span>
            {words.more}
          </Popover.Trigger>
          <Popover.Portal>
            <Popover.Positioner className={ui.positioner} sideOffset={8} align="end" collisionPadding={8}>
              <Popover.Popup className={ui.popup} aria-label={words.more}>
                {others.map((page) => (
                  <Item key={page.id} page={page} className={styles.item} onClick={() => setOpen(false)} />
                ))}
              </Popover.Popup>
            </Popover.Positioner>
          </Popover.Portal>
        </Popover.Root>
      )}
    </nav>
  );
}
