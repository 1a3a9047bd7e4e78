import type { LoadSecond } from "../load-report.ts";
import { type News, openingScene, type Scene, withNews, withSecond } from "./scene.ts";
import type { Document } from "../tidegate-process.ts";
import type { DemoView } from "./views.ts";

/** Keeps the scene, and tells the view what changes in it. */
export interface Board {
  readonly scene: Scene;
  change(to: (scene: Scene) => Scene): void;
  tell(news: Omit<News, "at">): void;
  /** A line of a release, as Tidegate wrote it. */
  document(document: Document): void;
  second(second: LoadSecond): void;
}

export function openBoard(url: string, view: DemoView): Board {
  let scene = openingScene(url, Date.now());
  view.changed(scene);
  const change = (to: (scene: Scene) => Scene): void => {
    scene = to(scene);
    view.changed(scene);
  };
  return {
    get scene() {
      return scene;
    },
    change,
    tell(news) {
      const dated = { ...news, at: Date.now() };
      change((before) => withNews(before, dated));
      view.news(dated);
    },
    document: (document) => view.document(document),
    second: (second) => change((before) => withSecond(before, second)),
  };
}
