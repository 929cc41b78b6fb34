"""Operations on stores."""

from __future__ import annotations

from pydantic import Field

from repository.api.frame import ApiBlueprint, Reply
from repository.api.operation import Answer, Operation
from repository.api.schemas import Shape
from repository.findings import N_
from repository.permissions import Permission
from repository.stores import store_states
from repository.transaction import Transaction

blueprint = ApiBlueprint("api_stores", __name__)


class StoreShape(Shape):
    """A store, and what it holds according to the catalogue."""

    store: str = Field(description=N_("Its name."))
    kind: str = Field(description=N_("How it is reached."))
    location: str = Field(description=N_("Where it is."))
    priority: int = Field(description=N_("Smaller is read first."))
    read_only: bool = Field(description=N_("Whether no new copies are written there."))
    aips: int = Field(description=N_("Packages of which it has a copy that was not found wanting."))
    bytes: int = Field(description=N_("Bytes of content of these."))
    owed: int = Field(description=N_("Packages of which it should have a good copy and has not."))


class StoreList(Shape):
    """The stores, the one that is read first in front."""

    items: list[StoreShape]


@blueprint.operation(
    Operation(
        id="list_stores",
        method="GET",
        path="/stores",
        tag="stores",
        summary=N_("List the stores with what they hold"),
        needs=(Permission.STORE_READ,),
        answers={200: Answer(description=N_("The stores."), model=StoreList)},
    )
)
def list_stores(tx: Transaction) -> Reply:
    """Every store."""
    return Reply(body=StoreList(items=[StoreShape.model_validate(state.as_json()) for state in store_states(tx)]))
